"""The postmortems app."""

from django.apps import AppConfig


class PostmortemsConfig(AppConfig):
    """Rooms are listed in the app's README."""

    name = "postmortems"
    verbose_name = "Postmortems"
