"""What every installation has from its first migration: the system's own actor, the enterprise, the roles."""

from typing import Any

from django.db import migrations

from config.access.rules import Role
from config.organisation.models import SYSTEM_USERNAME

UNLOGGED = """
CREATE UNLOGGED TABLE config_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX config_cache_expires ON config_cache (expires);
ALTER TABLE config_counter SET UNLOGGED;
"""


def install(apps: Any, schema_editor: Any) -> None:
    """Idempotent: a restored or half-migrated database keeps what it has."""
    alias = schema_editor.connection.alias
    apps.get_model("config", "User").objects.using(alias).get_or_create(
        username=SYSTEM_USERNAME,
        defaults={"name": "Watchbill", "kind": "system", "password": "!", "is_active": True},
    )
    apps.get_model("config", "BusinessUnit").objects.using(alias).get_or_create(
        parent=None, defaults={"key": "enterprise", "name": "Enterprise"}
    )
    for role in Role:
        apps.get_model("auth", "Group").objects.using(alias).get_or_create(name=role.value)
    apps.get_model("config", "Installation").objects.using(alias).get_or_create(pk=1)


class Migration(migrations.Migration):
    """Data of the platform."""

    dependencies = [("config", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunSQL(UNLOGGED, "DROP TABLE config_cache"),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
