"""Schedules: weekly rotations in local time, hand-offs and overrides."""
