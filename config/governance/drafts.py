"""How a draft begins, and takes in a form with its child rows. Callers hold the policy's lock."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from config.audit.tracking import Tracked
from config.errors import Invalid, Refused
from config.events.operations import ask, blockers, record
from config.governance.content import Part, content_of, parts_of, root_fields
from config.governance.freedom import refuse_beyond
from config.governance.in_force import policy_of
from config.governance.models import Freedom, Policy, PolicyVersion, VersionState
from config.governance.rules import plain
from config.organisation.models import BusinessUnit, User

type Row = Mapping[str, Any]
type Parts = Mapping[str, Sequence[Row]]

OPEN = (VersionState.DRAFT, VersionState.IN_REVIEW)


def place_of(unit: BusinessUnit | None) -> BusinessUnit | None:
    """The unit whose policy it is; a policy of the root unit is the enterprise's."""
    return None if unit is None or unit.parent_id is None else unit


def make_policy(
    kind: str, key: str, title: str, unit: BusinessUnit | None, freedom: Freedom, actor: User
) -> Policy:
    """A new policy. Raises `Refused` (`policy_locked`) where the enterprise's holds for all."""
    place = place_of(unit)
    enterprise = policy_of(kind, key) if place else None
    if enterprise is not None and enterprise.freedom == Freedom.LOCKED:
        raise Refused(
            "The enterprise's version of this policy holds for every unit.",
            code="policy_locked",
            audit=True,
        )
    policy = Policy(kind=kind, key=key, title=title, unit=place, freedom=freedom)
    against = blockers("policy.of_unit", policy)
    if against:
        raise Refused(against[0].text, code=against[0].code, audit=True)
    policy.full_clean()
    policy.save_as(actor)
    record("policy.created", policy, actor=actor)
    return policy


def make_draft[M: PolicyVersion](
    model: type[M],
    policy: Policy,
    actor: User,
    values: Row | None,
    parts: Parts | None,
    reason: str,
) -> M:
    """The next version of the policy, beginning as a copy of the one in force."""
    if policy.versions.filter(state__in=OPEN).exists():
        raise Refused(
            "This policy has a draft already; go on with that one.", code="version_one_draft"
        )
    latest = policy.versions.aggregate(latest=models.Max("number"))["latest"] or 0
    version = model(policy=policy, number=latest + 1, author=actor)
    source = _basis(model, policy)
    copied = None if source is None else content_of(source)
    fields = model.initial_values(policy) if copied is None else copied.fields
    rows = _first_rows(policy) if copied is None else copied.parts
    write(version, actor, {**fields, **(values or {})}, {**rows, **(parts or {})}, reason)
    own = source is not None and source.policy_id == policy.pk
    based_on = source.number if source is not None and own else None
    record("policy.drafted", version, actor=actor, reason=reason, based_on=based_on)
    return version


def _first_rows(policy: Policy) -> Parts:
    """The child rows with which the first draft of a kind begins, where there is none to copy."""
    found: Parts = ask(f"policy.first_rows:{policy.kind}", default={}, policy=policy)
    return found


def _basis[M: PolicyVersion](model: type[M], policy: Policy) -> M | None:
    """What is in force; for a unit's first version the enterprise's, which it is to extend.

    Of a kind whose versions add up a unit's first version is empty: what it copied would be twice.
    """
    rows = model._base_manager.filter(state=VersionState.ACTIVE)
    own = rows.filter(policy=policy).first()
    if own is not None or policy.unit_id is None or model.adds_up:
        return own
    return rows.filter(
        policy__kind=policy.kind,
        policy__key=policy.key,
        policy__unit=None,
        policy__freedom=Freedom.EXTENDABLE,
    ).first()


def write(
    version: PolicyVersion,
    actor: User,
    values: Row | None,
    parts: Parts | None,
    reason: str | None,
) -> None:
    """Save root and child rows of a draft."""
    model = type(version)
    _assign(version, root_fields(model), model.clean_values(version.policy, values or {}))
    if reason is not None:
        version.change_reason = reason.strip()
    version.full_clean()
    version.save_as(actor, reason=version.change_reason)
    known = {part.name: part for part in parts_of(model)}
    for name, rows in (parts or {}).items():
        if name not in known:
            raise Invalid(f"There are no '{name}' here.", field=name)
        _replace_rows(known[name], version, rows, actor)
    refuse_beyond(version)


def _assign(row: models.Model, fields: "Iterable[models.Field[Any, Any]]", values: Row) -> None:
    known = {each.name: each for each in fields}
    for name, value in values.items():
        if name not in known:
            raise Invalid(f"There is no field '{name}' here.", field=name)
        is_key = known[name].is_relation and not isinstance(value, models.Model)
        setattr(row, known[name].attname if is_key else name, value)


def _replace_rows(part: Part, version: PolicyVersion, rows: Sequence[Row], actor: User) -> None:
    """Rows are matched by `line`; changed ones are made anew, so that numbers can be swapped."""
    wanted = _made(part, version, rows)
    for row in part.rows(version):
        same = wanted.get(str(row.line))
        if same is not None and _said(part, same) == _said(part, row):
            del wanted[str(row.line)]
        else:
            row.delete_as(actor)
    for position, row in enumerate(wanted.values(), start=1):
        _checked(part, row.full_clean, position)
        row.save_as(actor)


def _made(part: Part, version: PolicyVersion, rows: Sequence[Row]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for position, given in enumerate(rows, start=1):
        row = part.model(**{part.parent: version})
        _assign(row, part.fields, {"line": uuid.uuid4().hex[:12], **given})
        _checked(part, row.clean_fields, position)
        line = str(row.line)  # type: ignore[attr-defined]  # every part has one
        if line in made:
            raise Invalid(f"Two rows of {part.name} are line {line}.", field=part.name)
        made[line] = row
    return made


def _said(part: Part, row: Tracked) -> dict[str, Any]:
    return {each.name: plain(each.value_from_object(row)) for each in part.fields}


def _checked(part: Part, check: Any, position: int) -> None:
    """Errors of child rows name the row: forms and the API show them at the part."""
    try:
        check()
    except ValidationError as error:
        found = [
            ValidationError(f"Row {position}{where}: {text}", code=each.code)
            for where, each in _placed(error)
            for text in each.messages
        ]
        raise ValidationError({part.name: found}) from error


def _placed(error: ValidationError) -> list[tuple[str, ValidationError]]:
    return [
        ("" if name == NON_FIELD_ERRORS else f", {name}", each)
        for name, errors in error.error_dict.items()
        for each in errors
    ]
