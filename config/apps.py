"""The platform as a Django app."""

import pkgutil
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import module_has_submodule

from config import garbage

HOUSE = ("config", "incidents", "escalation", "postmortems", "compliance", "fixtures")


class PlatformConfig(AppConfig):
    """Loads every room's handlers, and installs the database's own rules after each migrate."""

    name = "config"
    verbose_name = "Platform"

    def ready(self) -> None:
        """Find the hooks of all floors; a floor registers by being imported."""
        for app in HOUSE:
            load_rooms(app, "handlers")
        post_migrate.connect(install_rules, dispatch_uid="config.install_rules")
        garbage.heed()


def load_rooms(app: str, module: str) -> None:
    """Import that module (`handlers`, `admin`) of each room of the app, where there is one."""
    package = import_module(app)
    for room in _rooms(package):
        if module_has_submodule(room, module):
            import_module(f"{room.__name__}.{module}")


def _rooms(package: Any) -> list[Any]:
    names = (found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg)
    skipped = {"migrations", "management"}
    return [import_module(f"{package.__name__}.{name}") for name in names if name not in skipped]


def install_rules(app_config: AppConfig, using: str, **kwargs: Any) -> None:
    """Once all apps have migrated: triggers, functions and rights (idempotent)."""
    if app_config.label == PlatformConfig.name:
        import_module("config.audit.install").install(using)
