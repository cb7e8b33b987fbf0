"""Opsgenie's Alert API, for every tool that can speak it."""
