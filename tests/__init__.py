"""Tests, laid out like the product: `tests/<app>/<room>/test_<verb>.py`."""
