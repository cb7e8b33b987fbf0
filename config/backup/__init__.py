"""Backup and restore: a whole database as one file, and a new log that names where it came from."""
