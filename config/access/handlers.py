"""Loads the doors of the organisation, and what the log tells of whom, with the product."""

from config.access import directory, telling

__all__ = ["directory", "telling"]
