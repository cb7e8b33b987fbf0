"""Registers the effects that these tests promise."""

from tests.config.due import effects

__all__ = ["effects"]
