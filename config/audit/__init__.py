"""Tracked changes, the sealed ledger, and its verification."""
