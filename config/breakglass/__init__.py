"""Break-glass: a restricted record is opened at once, for a time, and reviewed afterwards."""
