"""Loads the system checks of the API with the product."""

from config.apikit import checks

__all__ = ["checks"]
