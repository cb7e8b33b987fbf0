"""A version's content out of the database: the fields of its root and its child rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import models

from config.audit.tracking import Tracked
from config.governance.models import PolicyVersion
from config.governance.rules import Content


@dataclass(frozen=True)
class Part:
    """A kind of child row: its name on the version, its model, and its key to the version."""

    name: str
    model: type[Tracked]
    parent: str

    @property
    def fields(self) -> "list[models.Field[Any, Any]]":
        """What a row says, `line` included."""
        left_out = {self.parent, "revision"}
        concrete = self.model._meta.concrete_fields
        return [each for each in concrete if not each.primary_key and each.name not in left_out]

    def rows(self, version: PolicyVersion) -> list[Any]:
        """The rows of a version, by `line`."""
        return list(self.model._base_manager.filter(**{self.parent: version}).order_by("line"))


@cache
def parts_of(model: type[PolicyVersion]) -> tuple[Part, ...]:
    """The child rows that versions of this model have."""
    return tuple(_part(model, name) for name in model.parts)


def _part(model: type[PolicyVersion], name: str) -> Part:
    relation: Any = model._meta.get_field(name)
    return Part(name, relation.related_model, relation.field.name)


def version_models() -> Iterator[type[PolicyVersion]]:
    """The models of all kinds."""
    return (model for model in PolicyVersion.__subclasses__() if model.policy_kind)


def root_fields(model: type[PolicyVersion]) -> "list[models.Field[Any, Any]]":
    """What the kind adds to the base: the fields that a version of it says."""
    return [each for each in model._meta.local_concrete_fields if not each.primary_key]


def content_of(version: PolicyVersion) -> Content:
    """What the version says, read now."""
    model = type(version)
    return Content(
        kind=model.policy_kind,
        fields={each.name: each.value_from_object(version) for each in root_fields(model)},
        parts={part.name: _rows(part, version) for part in parts_of(model)},
    )


def _rows(part: Part, version: PolicyVersion) -> list[dict[str, Any]]:
    fields = part.fields
    return [
        {each.name: each.value_from_object(row) for each in fields} for row in part.rows(version)
    ]


def concrete(version: PolicyVersion) -> Any:
    """The row of its kind's own model, where only the base row is at hand."""
    if type(version) is not PolicyVersion:
        return version
    kinds = {model.policy_kind: model for model in version_models()}
    return kinds[version.policy.kind]._base_manager.get(pk=version.pk)
