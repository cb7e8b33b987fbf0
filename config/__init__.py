"""The platform that every app stands on: settings and plumbing."""
