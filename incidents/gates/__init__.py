"""Intake templates: which fields an incident must have at which stage, and what counts as one."""
