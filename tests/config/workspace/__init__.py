"""Saved views and preferences."""
