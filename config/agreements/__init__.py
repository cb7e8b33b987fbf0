"""Signed agreements with customers and units, and which policies they bind."""
