"""What held at an instant, of every kind: for the page and the API, as decisions read it."""

import datetime
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from config.governance.in_force import all_in_force, version_model
from config.governance.models import PolicyVersion
from config.organisation.models import BusinessUnit, User

MISREAD = "Write a time such as 2026-03-31T12:00, in UTC, or with its offset."


@dataclass(frozen=True)
class Held:
    """A version that was in force, and the page that tells more."""

    version: PolicyVersion
    link: str


def held_at(reader: User, at: datetime.datetime, unit: BusinessUnit | None = None) -> list[Held]:
    """Each version in force for the unit, or for the enterprise, at that time, by kind and key.

    What the reader can't see is left out after the choice: it is never replaced by another one.
    """
    found = all_in_force(unit, at)
    visible = PolicyVersion.objects.visible_to(reader).filter(pk__in=[each.pk for each in found])
    known = set(visible.values_list("pk", flat=True))
    return [Held(each, page_of(each)) for each in found if each.pk in known]


def page_of(version: PolicyVersion) -> str:
    """The page of the version among those of its kind; empty where it has none."""
    meta = version_model(version.policy.kind)._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(version.pk,))
    except NoReverseMatch:
        return ""
