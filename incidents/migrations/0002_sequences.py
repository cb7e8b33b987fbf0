"""The sequence of incident numbers; `lifecycle` skips in it at random, so that gaps say nothing."""

from django.db import migrations


class Migration(migrations.Migration):
    """SQL that models can't express."""

    dependencies = [("incidents", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE incidents_number AS bigint",
            "DROP SEQUENCE incidents_number",
        )
    ]
