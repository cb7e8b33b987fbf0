"""The compliance app."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """Rooms are listed in the app's README."""

    name = "compliance"
    verbose_name = "Compliance"
