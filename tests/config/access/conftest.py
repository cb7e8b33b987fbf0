"""The administrator and her client, as for the API's own tests."""

from tests.config.apikit.conftest import admin, api

__all__ = ["admin", "api"]
