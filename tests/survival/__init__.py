"""Storms, kills, stops, full disks and wrong clocks: what must hold whatever happens."""
