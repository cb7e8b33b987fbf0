"""Tests of config.access."""
