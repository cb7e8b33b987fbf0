"""Severity, and the governed table that decides it."""
