"""Reviews that are owed, held and published."""
