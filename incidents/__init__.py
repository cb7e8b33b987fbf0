"""The core: services, the incident and its timeline, alerts."""
