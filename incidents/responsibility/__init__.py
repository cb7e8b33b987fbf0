"""Who is responsible for what in an incident: the RACI matrix, and functions of tools."""
