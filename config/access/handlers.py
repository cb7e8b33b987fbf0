"""Loads the doors of the organisation with the product."""

from config.access import directory

__all__ = ["directory"]
