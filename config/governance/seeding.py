"""The first version of what the product ships: in force from the installation on, by the system.

Seeding again changes nothing that a company has decided: where the shipped content itself
has changed, it proposes a draft.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from config.audit.tracking import lock
from config.governance import registry
from config.governance.activation import put_in_force
from config.governance.content import content_of, parts_of
from config.governance.drafts import OPEN, make_draft, make_policy
from config.governance.in_force import policy_of
from config.governance.models import Freedom, Policy, PolicyVersion, SettingVersion, VersionState
from config.governance.rules import Content, content_hash
from config.organisation.models import User

SHIPPED = "Shipped default"
SHIPPED_AGAIN = "Shipped default changed"

_FREEDOM = {
    registry.UnitMay.LOCKED: Freedom.LOCKED,
    registry.UnitMay.TIGHTEN: Freedom.EXTENDABLE,
    registry.UnitMay.FREE: Freedom.FREE,
}


@transaction.atomic
def seed_policy[M: PolicyVersion](
    model: type[M],
    key: str,
    *,
    title: str,
    actor: User,
    values: Mapping[str, Any] | None = None,
    parts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    freedom: Freedom = Freedom.FREE,
) -> M | None:
    """Make the enterprise's policy with version 1 in force; later runs propose what is new.

    Returns the version it made, or None. Child rows need a `line` that stays the same.
    """
    kind = model.policy_kind
    policy = policy_of(kind, key)
    if policy is None:
        policy = make_policy(kind, key, title, None, freedom, actor)
        version = make_draft(model, policy, actor, values, parts, SHIPPED)
        version.content_hash = content_hash(content_of(version))
        put_in_force(version, actor, mode="installation", reason=SHIPPED)
        return version
    lock(policy)
    return _propose_what_is_new(model, policy, actor, values or {}, parts or {})


def _propose_what_is_new[M: PolicyVersion](
    model: type[M],
    policy: Policy,
    actor: User,
    values: Mapping[str, Any],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> M | None:
    shipped = model._base_manager.filter(policy=policy, change_reason__in=[SHIPPED, SHIPPED_AGAIN])
    last = shipped.order_by("-number").first()
    if last is None or policy.versions.filter(state__in=OPEN).exists():
        return None
    if _is_said_by(last, values, parts):
        return None
    in_force = model._base_manager.filter(policy=policy, state=VersionState.ACTIVE).first()
    if in_force is not None and _is_said_by(in_force, values, parts):
        return None
    return make_draft(model, policy, actor, values, parts, SHIPPED_AGAIN)


def _is_said_by(
    version: PolicyVersion,
    values: Mapping[str, Any],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> bool:
    """Whether the version has these values, and these rows where rows are given."""
    said = content_of(version)
    fields = {**said.fields, **{name: _key(value) for name, value in values.items()}}
    rows = {name: _whole_rows(version, name, given) for name, given in parts.items()}
    wanted = Content(said.kind, fields, {**said.parts, **rows})
    return content_hash(wanted) == content_hash(said)


def _whole_rows(
    version: PolicyVersion, name: str, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    part = next(part for part in parts_of(type(version)) if part.name == name)
    defaults = {each.name: each.get_default() for each in part.fields}
    return [{**defaults, **{key: _key(value) for key, value in row.items()}} for row in rows]


def _key(value: Any) -> Any:
    return getattr(value, "pk", value)


def seed_setting_policies(actor: User) -> list[SettingVersion]:
    """Version 1 of every registered setting, from its default; returns what it made."""
    made = (
        seed_policy(
            SettingVersion,
            setting.key,
            title=setting.title,
            actor=actor,
            values={"value": setting.default},
            freedom=_FREEDOM[setting.unit_may],
        )
        for setting in registry.all_settings()
    )
    return [version for version in made if version is not None]
