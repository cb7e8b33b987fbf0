"""Tests of config.apikit."""
