"""Which template holds for an incident, what the incident lacks by it, and the shipped one."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from config.conditions.rules import Facts, read
from config.errors import Blocker
from config.governance.content import content_of
from config.governance.in_force import active_among, setting
from config.governance.models import Policy
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, User
from incidents.gates import rules
from incidents.gates.models import IntakeTemplateVersion
from incidents.gates.rules import FIELDS, Answer, Demand, Lack, Stage
from incidents.terms.models import ValueKind
from incidents.terms.operations import tree_for

SUBJECT = "incident"
CAP = "intake.max_open_fields"
TITLE = "Intake template"
LINE_LENGTH = 40


def template_for(
    kinds: Sequence[str],
    channel: str,
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> IntakeTemplateVersion | None:
    """The closest template in force: `kinds` is the type and those above it, nearest first."""
    keys = rules.keys_for(kinds, channel)
    found = active_among(IntakeTemplateVersion.policy_kind, keys, unit, at)
    return next((found[key] for key in keys if key in found), None)


def templates_for(
    kinds: Sequence[str],
    channel: str,
    unit: BusinessUnit | None = None,
    at: datetime.datetime | None = None,
) -> list[IntakeTemplateVersion]:
    """The closest, and where that is a unit's, the enterprise's before which it stands.

    Both hold: the enterprise may have begun to demand more since the unit's was written.
    """
    closest = template_for(kinds, channel, unit, at)
    if closest is None or closest.policy.unit_id is None:
        return [] if closest is None else [closest]
    behind = template_for(kinds, channel, None, at)
    return [closest] if behind is None else [closest, behind]


def lacks_of(
    templates: Iterable[IntakeTemplateVersion],
    stage: Stage,
    values: Mapping[str, Any],
    facts: Facts,
) -> list[Lack]:
    """What the templates demand at the stage and the incident doesn't have."""
    demands = [demand for template in templates for demand in demands_of(template)]
    return rules.lacks(demands, stage, values, facts)


def loosened(version: IntakeTemplateVersion) -> list[Blocker]:
    """What the enterprise's templates demand that a unit's, which stands before them, does not."""
    own = demands_of(version)
    missing = (
        (template, demand)
        for template in _stood_before(version.policy)
        for demand in demands_of(template)
        if not any(rules.keeps(each, demand) for each in own)
    )
    texts = dict.fromkeys(
        f"{rules.said_of(demand)}: so says the enterprise's '{template.policy.title}'."
        for template, demand in missing
    )
    return [Blocker("template_loosened", text, field="demands") for text in texts]


def first_demands(policy: Policy) -> list[dict[str, Any]]:
    """The rows with which a unit's first template begins: what it must keep."""
    if policy.unit_id is None:
        return []
    rows: dict[str, dict[str, Any]] = {}
    for template in _stood_before(policy):
        for row in content_of(template).parts["demands"]:
            taken = rows.get(row["line"], row) != row
            line = f"{row['line']}-{template.pk}"[-LINE_LENGTH:] if taken else row["line"]
            rows[line] = {**row, "line": line}
    return list(rows.values())


def _stood_before(policy: Policy) -> list[IntakeTemplateVersion]:
    """The enterprise's templates in force that would hold if the unit's weren't there."""
    kind, channel = rules.place_of(policy.key)
    ways = rules.CHANNELS if channel == rules.ANY else (channel,)
    kinds = types_above(kind, policy.unit) if kind != rules.ANY else []
    orders = [rules.keys_for(kinds, way) for way in ways]
    keys = {key for order in orders for key in order}
    found = active_among(IntakeTemplateVersion.policy_kind, keys)
    behind = (order[order.index(policy.key) :] for order in orders)
    firsts = (next((found[key] for key in order if key in found), None) for order in behind)
    return list(dict.fromkeys(each for each in firsts if each is not None))


def types_above(key: str, unit: BusinessUnit | None) -> list[str]:
    """The key of a type, then of those above it, the nearest first."""
    tree = tree_for(unit)
    term = tree.find(ValueKind.TYPE, key)
    return [key, *(each.key for each in tree.above(term))] if term is not None else [key]


def demands_of(version: IntakeTemplateVersion) -> tuple[Demand, ...]:
    """A version's rows. What was frozen is read once in each process."""
    if version.content_hash:
        return _frozen(version.pk, version.content_hash)
    return _read(version)


@lru_cache(maxsize=256)
def _frozen(pk: int, content_hash: str) -> tuple[Demand, ...]:
    # The hash is part of the key: it names the content, whatever database the process sees.
    return _read(IntakeTemplateVersion.objects.get(pk=pk))


def _read(version: IntakeTemplateVersion) -> tuple[Demand, ...]:
    return tuple(
        Demand(
            row.field,
            Stage(row.stage),
            Answer(row.answer),
            read(SUBJECT, row.conditions),
            row.least or 0,
            tuple(row.options),
            row.hint,
        )
        for row in version.demands.order_by("line")
    )


def blockers_of(version: IntakeTemplateVersion) -> list[Blocker]:
    """What stands against an activation: too much at the opening, or what nobody can know then."""
    at_open = {row.field for row in demands_of(version) if row.stage == Stage.OPEN}
    return [*_too_many(version, at_open), *_impossible(version, at_open)]


def _too_many(version: IntakeTemplateVersion, at_open: set[str]) -> Iterable[Blocker]:
    most = setting(CAP, unit=version.policy.unit)
    if len(at_open) > most:
        yield Blocker(
            "too_many_open_fields",
            f"{len(at_open)} fields would be mandatory to open an incident, and {most} may be; "
            "demand some of them later.",
        )


def _impossible(version: IntakeTemplateVersion, at_open: set[str]) -> Iterable[Blocker]:
    _, channel = rules.place_of(version.policy.key)
    for field in sorted(at_open & rules.NOT_AT_OPEN):
        yield Blocker("field_not_at_open", f"{FIELDS[field]} isn't known yet when one opens.")
    if channel in ("alert", rules.ANY):
        for field in sorted(at_open - rules.FROM_ALERTS - rules.NOT_AT_OPEN):
            yield Blocker(
                "alerts_cannot_give",
                f"No alert says {FIELDS[field].lower()}; its incident could not open.",
            )


def title_of(key: str) -> str:
    """How the template for that type and channel is called."""
    kind, channel = rules.place_of(key)
    what = "every type" if kind == rules.ANY else f"type {kind}"
    way = "every channel" if channel == rules.ANY else f"channel {channel}"
    return f"{TITLE}: {what}, {way}"


def seed_intake_template(actor: User) -> IntakeTemplateVersion | None:
    """Version 1 of the template for every type and channel; later runs propose what is new."""
    key = rules.key_of(rules.ANY, rules.ANY)
    return seed_policy(
        IntakeTemplateVersion,
        key,
        title=title_of(key),
        actor=actor,
        parts={"demands": rules.shipped_demands()},
    )
