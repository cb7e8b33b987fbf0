"""Tests of config.organisation."""
