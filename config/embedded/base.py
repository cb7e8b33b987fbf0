"""Django's PostgreSQL backend, with the embedded server started at the first connection."""

from collections.abc import Iterable
from typing import Any

from django.db import OperationalError
from django.db.backends.postgresql import base, client

from config.embedded.account import EmbeddedError
from config.embedded.server import ensure

ROLE = "EMBEDDED_ROLE"


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` for the embedded server."""

    def runshell(self, parameters: Iterable[str]) -> None:
        point_at_server(self.connection.settings_dict)
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """Looks the server up at every new connection, so that one that died is started again."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        point_at_server(self.settings_dict)
        params: dict[str, Any] = super().get_connection_params()
        return params


def point_at_server(settings: dict[str, Any]) -> None:
    """Fill in what only the running server knows; without the role's key, nothing."""
    if role := settings.get(ROLE):
        try:
            cluster = ensure()
        except EmbeddedError as error:  # what callers expect of a database that is not there
            raise OperationalError(str(error)) from error
        settings |= {
            "HOST": cluster.host,
            "PORT": str(cluster.port),
            "PASSWORD": cluster.passwords[role],
        }
