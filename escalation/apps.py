"""The escalation app."""

from django.apps import AppConfig


class EscalationConfig(AppConfig):
    """Rooms are listed in the app's README."""

    name = "escalation"
    verbose_name = "Escalation"
