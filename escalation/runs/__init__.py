"""A running escalation: its tiers, its record, its end."""
