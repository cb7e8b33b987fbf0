"""Escalation policies: which tier is paged when nobody answers."""
