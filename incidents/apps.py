"""The incidents app."""

from django.apps import AppConfig


class IncidentsConfig(AppConfig):
    """Rooms are listed in the app's README."""

    name = "incidents"
    verbose_name = "Incidents"
