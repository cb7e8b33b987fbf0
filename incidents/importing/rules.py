"""Files of the catalogue as rows of texts: CSV, YAML, and exports of ServiceNow. Pure."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml
from django.db.models import TextChoices
from django.utils.text import slugify

from config.access.rules import Need, owner
from config.apikit.codes import explain
from config.errors import Invalid

NEEDS: Mapping[str, Need] = {"view": owner("by_id"), "apply": owner("by_id")}
MOST_ROWS = 2_000
MOST_CHARACTERS = 900_000
LONGEST_CELL = 10_000

type Row = dict[str, str]


class What(TextChoices):
    """What a file holds."""

    SERVICES = "services", "Services"
    COMPONENTS = "components", "Components"
    DEPENDENCIES = "dependencies", "Dependencies"


class Format(TextChoices):
    """How a file says it."""

    CSV = "csv", "CSV with a line of names"
    YAML = "yaml", "YAML: a list of items"
    SERVICENOW = "servicenow", "ServiceNow export (CSV or JSON)"


class ImportState(TextChoices):
    """Where an import stands."""

    PREVIEWED = "previewed", "Previewed"
    APPLIED = "applied", "Applied"


COLUMNS: Mapping[str, tuple[str, ...]] = {
    What.SERVICES: (
        *("key", "name", "team", "owner", "function", "description", "tier", "business_impact"),
        *("status", "region", "customer_facing", "key_workflow", "sla_governed", "regulated"),
        *("data_classes", "rto_minutes", "rpo_minutes", "runbook_url"),
    ),
    What.COMPONENTS: (
        *("key", "name", "kind", "domain", "team", "status", "description", "external_id"),
    ),
    What.DEPENDENCIES: ("source", "target", "strength", "note"),
}
_IDENTITY: Mapping[str, tuple[str, ...]] = {
    What.SERVICES: ("key",),
    What.COMPONENTS: ("key",),
    What.DEPENDENCIES: ("source", "target"),
}


def rows_of(what: str, form: str, content: str) -> list[Row]:
    """The rows of a file; empty cells are left out. Raises `Invalid` that says what is wrong."""
    if len(content) > MOST_CHARACTERS:
        raise Invalid("The file is too large; split it.", field="content")
    read: Callable[[str, str], Iterable[Mapping[str, Any]]] = _READERS[form]
    rows = [_texts(number, row) for number, row in enumerate(read(what, content), start=1)]
    if not rows or len(rows) > MOST_ROWS:
        raise Invalid(f"Give 1 to {MOST_ROWS:,} rows.", field="content")
    if form == Format.SERVICENOW:
        rows = [_FROM_SERVICENOW[what](row) for row in rows]
    _check_columns(what, rows)
    return rows


def identity_of(what: str, row: Row) -> str:
    """What a row is about, for people."""
    return " → ".join(row.get(name, "?") for name in _IDENTITY[what])


def _check_columns(what: str, rows: list[Row]) -> None:
    unknown = sorted({name for row in rows for name in row} - set(COLUMNS[what]))
    if unknown:
        listed = ", ".join(COLUMNS[what])
        raise Invalid(
            f"Unknown columns: {', '.join(unknown)[:200]}. Known: {listed}.", field="content"
        )


def _csv(what: str, content: str) -> list[Mapping[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), strict=True)
        rows = [dict(row) for row in reader]
    except csv.Error as error:
        raise Invalid(f"The CSV can't be read: {error}.", field="content") from error
    if any(None in row for row in rows):
        raise Invalid("A line has more cells than the line of names.", field="content")
    return [{str(name).strip(): value for name, value in row.items()} for row in rows]


def _yaml(what: str, content: str) -> list[Mapping[str, Any]]:
    try:
        body = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Invalid("The YAML can't be read.", field="content") from error
    return _listed(body.get(what) if isinstance(body, dict) else body)


def _servicenow(what: str, content: str) -> list[Mapping[str, Any]]:
    if not content.lstrip("\ufeff \n").startswith(("{", "[")):
        return _csv(what, content)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Invalid("The JSON can't be read.", field="content") from error
    found = body.get("result", body.get("records")) if isinstance(body, dict) else body
    return _listed(found)


def _listed(body: Any) -> list[Mapping[str, Any]]:
    if not isinstance(body, list) or any(not isinstance(row, dict) for row in body):
        raise Invalid("Give a list of items with names and values.", field="content")
    return body


_READERS: Mapping[str, Callable[[str, str], list[Mapping[str, Any]]]] = {
    Format.CSV: _csv,
    Format.YAML: _yaml,
    Format.SERVICENOW: _servicenow,
}


def _texts(number: int, row: Mapping[str, Any]) -> Row:
    found = {str(name): _text(number, value) for name, value in row.items()}
    return {name: value for name, value in found.items() if value != ""}


def _text(number: int, value: Any) -> str:
    """A cell as text. ServiceNow's references show their display value."""
    if isinstance(value, Mapping):
        value = value.get("display_value") or value.get("value")
    if isinstance(value, list | tuple) and all(isinstance(each, str | int) for each in value):
        value = ", ".join(str(each) for each in value)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise Invalid(f"Row {number}: give texts, numbers or lists of them.", field="content")
    text = str(value).strip() if not isinstance(value, bool) else str(value).lower()
    if len(text) > LONGEST_CELL or "\0" in text:
        raise Invalid(
            f"Row {number}: a cell is too long, or holds what no text holds.", field="content"
        )
    return text


# ServiceNow: the columns of cmdb_ci, cmdb_ci_service and cmdb_rel_ci that have a meaning here.
_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"db|database|catalog_table"), "database", "data"),
    (re.compile(r"netgear|ip_|network|lb|firewall|dns|circuit"), "network", "network"),
    (
        re.compile(r"cloud|vm_|kubernetes|docker|storage|aws|azure|gcp"),
        "cloud_resource",
        "cloud_platform",
    ),
    (re.compile(r"endpoint|api|saas"), "third_party_api", "application"),
)
_TIERS = ("1", "2", "3", "4")  # as in "1 - most critical"
_STRENGTHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"uses|used by|consum"), "soft"),
    (re.compile(r"shar|member"), "shared"),
)


def _service(row: Row) -> Row:
    """Of `cmdb_ci_service`: criticality is the tier, the support group owns it."""
    critical = row.get("busines_criticality", row.get("business_criticality", ""))
    return _without_empty(
        {
            "key": _key(row),
            "name": row.get("name", ""),
            "team": slugify(row.get("support_group", row.get("assignment_group", ""))),
            "owner": row.get("owned_by", ""),
            "description": row.get("short_description", ""),
            "tier": critical[:1] if critical[:1] in _TIERS else "",
            "status": "retired" if _is_retired(row) else "live",
        }
    )


def _component(row: Row) -> Row:
    """Of `cmdb_ci`: the class tells the kind, the sys_id is kept."""
    said = row.get("sys_class_name", "").lower().replace(" ", "_")
    found = ((kind, domain) for sign, kind, domain in _KINDS if sign.search(said))
    kind, domain = next(found, ("application", "application"))
    return _without_empty(
        {
            "key": _key(row),
            "name": row.get("name", ""),
            "kind": kind,
            "domain": domain,
            "team": slugify(row.get("support_group", row.get("assignment_group", ""))),
            "status": "retired" if _is_retired(row) else "live",
            "description": row.get("short_description", ""),
            "external_id": row.get("sys_id", ""),
        }
    )


def _dependency(row: Row) -> Row:
    """Of `cmdb_rel_ci`: the parent depends on the child."""
    said = row.get("type", "").lower()
    return _without_empty(
        {
            "source": slugify(row.get("parent", ""))[:60],
            "target": slugify(row.get("child", ""))[:60],
            "strength": next((each for sign, each in _STRENGTHS if sign.search(said)), "hard"),
        }
    )


_FROM_SERVICENOW: Mapping[str, Callable[[Row], Row]] = {
    What.SERVICES: _service,
    What.COMPONENTS: _component,
    What.DEPENDENCIES: _dependency,
}


def _key(row: Row) -> str:
    return slugify(row.get("name", ""))[:60].strip("-")


def _is_retired(row: Row) -> bool:
    said = row.get("operational_status", row.get("install_status", "")).lower()
    return said in ("6", "7", "retired")


def _without_empty(row: Row) -> Row:
    return {name: value for name, value in row.items() if value}


explain(
    import_has_errors=(
        "Rows of the file can't be taken",
        "Put these rows right and preview the file again; nothing was changed.",
    ),
    import_applied=("The import was applied already", "Preview the file again to apply it anew."),
)
