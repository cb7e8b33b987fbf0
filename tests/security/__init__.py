"""Attacks, each a test: what comes in, what goes out, sessions, and two processes at once."""
