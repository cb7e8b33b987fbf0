"""Versioned policies, four eyes, and the settings registry."""
