"""Tests of the room config/due."""
