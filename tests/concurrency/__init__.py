"""Tests with several processes, threads and kills."""
