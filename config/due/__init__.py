"""Rows that fall due: timers, event deliveries, outbound messages, and the worker."""
