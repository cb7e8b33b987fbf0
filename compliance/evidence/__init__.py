"""Audit requests, and the evidence packs that answer them."""
