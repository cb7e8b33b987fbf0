"""Operating calendars: when a region works."""
