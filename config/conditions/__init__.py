"""Conditions that people choose from dropdowns: one builder for every rule set."""
