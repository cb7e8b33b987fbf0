"""How each person can be reached, and whether that was verified."""
