"""Alerts: sources, the raw inbox, fingerprints, and the incidents that alerts open and end."""
