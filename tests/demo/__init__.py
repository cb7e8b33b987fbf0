"""Tests of the demonstration company."""
