"""The incident: its states, key times and every verb."""
