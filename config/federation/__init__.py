"""Operating models: who owns triage, command, policy and reporting in a unit; what diverges."""
