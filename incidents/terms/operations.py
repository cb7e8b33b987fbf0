"""The taxonomy that holds somewhere, what records say by it, and the values that they name."""

import datetime
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from config.errors import Blocker, Invalid
from config.governance.in_force import in_force_along
from config.governance.models import Freedom
from config.governance.seeding import seed_policy
from config.organisation.models import BusinessUnit, User
from incidents.terms import shipped
from incidents.terms.models import TaxonomyValue, TaxonomyVersion, ValueKind
from incidents.terms.rules import PARENTS, Kind, Term, Terms, Tree, problems_of

TAXONOMY_KEY = "default"
TAXONOMY_TITLE = "Incident taxonomy"
# The fields by which records name values; `tags` holds keys, the others a value.
FIELDS: Mapping[str, Kind] = {
    "type": Kind.TYPE,
    "category": Kind.CATEGORY,
    "closure_code": Kind.CLOSURE_CODE,
    "cause_code": Kind.CAUSE_CODE,
}
TAGS = "tags"
MOST_TAGS = 20


def tree_for(unit: BusinessUnit | None = None, at: datetime.datetime | None = None) -> Tree:
    """What holds for the unit: the enterprise's values, and what it and those above it add."""
    versions = in_force_along(TaxonomyVersion.policy_kind, TAXONOMY_KEY, unit, at)
    terms: dict[str, Term] = {}
    for version in versions:
        # What the enterprise says of a value stays as it is said.
        terms = {**terms_of(version), **terms}
    return Tree(terms)


def terms_of(version: TaxonomyVersion) -> Terms:
    """A version's terms. What was frozen is read once in each process."""
    if version.content_hash:
        return _frozen(version.pk, version.content_hash)
    return _read(version)


@lru_cache(maxsize=256)
def _frozen(pk: int, content_hash: str) -> Terms:
    # The hash is part of the key: it names the content, whatever database the process sees.
    return _read(TaxonomyVersion.objects.get(pk=pk))


def _read(version: TaxonomyVersion) -> Terms:
    return {
        row.name: Term(
            row.kind, row.key, row.label, row.parent, row.is_retired,
            tuple(row.component_kinds), tuple(row.default_tags),
        )
        for row in version.entries.all()
    }  # fmt: skip


def check_choices(
    chosen: Mapping[str, Any], unit: BusinessUnit, *, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The chosen values, with the tags that come with them.

    `known` is what the record says already: that is not asked again, so that a record with a
    retired value can be worked on. Raises `Invalid` with the field.
    """
    whole = {**(known or {}), **chosen}
    if not any(chosen.values()):
        return dict(chosen)
    tree = tree_for(unit)
    found = {
        field: _chosen(tree, field, kind, value)
        for field, kind in FIELDS.items()
        if (value := chosen.get(field)) is not None
    }
    _check_pair(tree, whole, found)
    given = _checked_tags(tree, chosen, known or {})
    tags = sorted({*given, *tree.default_tags(found.values())})
    return {**chosen, TAGS: tags} if tags or TAGS in chosen else dict(chosen)


def check_component(kind: TaxonomyValue | None, component_kind: str, unit: BusinessUnit) -> None:
    """Raise `Invalid` on `component` where incidents of the type aren't raised on such a one."""
    tree = tree_for(unit)
    term = None if kind is None else tree.find(Kind.TYPE, kind.key)
    allowed = () if term is None else tree.component_kinds(term)
    if allowed and component_kind not in allowed:
        raise Invalid(
            f"{term.label if term else 'It'} is raised on {', '.join(allowed)}; "
            f"this is a {component_kind}.".replace("_", " "),
            code="type_not_for_component",
            field="component",
        )


def offered_terms(named: Mapping[str, str], unit: BusinessUnit) -> dict[str, TaxonomyValue]:
    """The values of these keys by field, as far as the unit offers them and they go together."""
    tree = tree_for(unit)
    terms = {name: tree.find(FIELDS[name], key) for name, key in named.items()}
    known = {name: t for name, t in terms.items() if t is not None and tree.is_offered(t)}
    pair = known.get("category"), known.get("type")
    if pair[0] and pair[1] and not tree.fits(pair[0], pair[1]):
        del known["category"]
    found = {name: TaxonomyValue.objects.named(t.kind, t.key) for name, t in known.items()}
    return {name: value for name, value in found.items() if value is not None}


def _chosen(tree: Tree, field: str, kind: str, value: Any) -> Term:
    term = tree.find(kind, value.key) if value.kind == kind else None
    if term is None:
        raise Invalid(
            f"{value} isn't offered here; choose another.", code="value_not_offered", field=field
        )
    if not tree.is_offered(term):
        raise Invalid(
            f"{term.label} is retired; choose another.", code="value_retired", field=field
        )
    return term


def _check_pair(tree: Tree, whole: Mapping[str, Any], found: Mapping[str, Term]) -> None:
    if not {"type", "category"} & set(found):
        return
    pair = [
        tree.find(kind, value.key)
        for name, kind in (("category", Kind.CATEGORY), ("type", Kind.TYPE))
        if (value := whole.get(name)) is not None
    ]
    if len(pair) == 2 and pair[0] and pair[1] and not tree.fits(pair[0], pair[1]):
        raise Invalid(
            f"{pair[0].label} is no category of {pair[1].label}; choose one that is.",
            code="category_not_of_type",
            field="category",
        )


def _checked_tags(tree: Tree, chosen: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    before = list(known.get(TAGS) or [])
    if TAGS not in chosen:
        return before
    given = list(dict.fromkeys(chosen[TAGS] or []))
    if len(given) > MOST_TAGS:
        raise Invalid(f"Give at most {MOST_TAGS} tags.", field=TAGS)
    for key in given:
        tag = tree.find(Kind.TAG, key)
        if key not in before and (tag is None or not tree.is_offered(tag)):
            code = "value_not_offered" if tag is None else "value_retired"
            raise Invalid(f"The tag {key} isn't offered; choose another.", code=code, field=TAGS)
    return given


def keep_values(version: TaxonomyVersion, *, actor: User) -> None:
    """Make or rename the values of a version that takes force; parents before what hangs below."""
    unit = version.policy.unit_id
    kept = {value.name: value for value in TaxonomyValue.objects.all()}
    for term in _parents_first(terms_of(version)):
        value = kept.get(term.name) or TaxonomyValue(kind=term.kind, key=term.key, unit_id=unit)
        parent = kept.get(term.parent)
        if value.pk and (value.label, value.parent_id) == (term.label, parent and parent.pk):
            continue
        value.label, value.parent = term.label, parent
        value.full_clean()
        kept[term.name] = value.save_as(actor, reason=version.change_reason)


def _parents_first(terms: Terms) -> Iterable[Term]:
    tree = Tree(terms)
    return sorted(terms.values(), key=lambda term: (len(list(tree.above(term))), term.name))


def blockers_of(version: TaxonomyVersion) -> list[Blocker]:
    """What stands against an activation: circles, gaps, values that would vanish or are taken."""
    own = terms_of(version)
    unit = version.policy.unit_id
    enterprise = {} if unit is None else tree_for(None).terms
    return [
        *problems_of(own, enterprise),
        *_vanished(own, unit),
        *_taken(own, unit),
        *_not_below(own, enterprise, unit),
    ]


def _vanished(own: Terms, unit: int | None) -> Iterable[Blocker]:
    for value in TaxonomyValue.objects.filter(unit_id=unit).order_by("kind", "key"):
        if value.name not in own:
            yield Blocker(
                "taxonomy_value_removed",
                f"{value.get_kind_display()} {value.label} is gone from the version; "
                "keep its row and mark it as retired.",
            )


def _taken(own: Terms, unit: int | None) -> Iterable[Blocker]:
    others = TaxonomyValue.objects.exclude(unit_id=unit) if unit else (
        TaxonomyValue.objects.filter(unit__isnull=False)
    )  # fmt: skip
    for value in others.filter(key__in=[term.key for term in own.values()]):
        if value.name in own:
            yield Blocker(
                "taxonomy_value_taken",
                f"{value.get_kind_display()} {value.key} is defined elsewhere; choose another key.",
            )


def _not_below(own: Terms, enterprise: Terms, unit: int | None) -> Iterable[Blocker]:
    for term in own.values():
        if unit is not None and term.parent not in enterprise:
            yield Blocker(
                "policy_extension",
                f"{term.label} must hang below a value of the enterprise; choose its parent.",
            )


def parent_choices(version: TaxonomyVersion) -> list[tuple[str, str]]:
    """What rows of a draft may hang below: the enterprise's values, and its own where it is that.

    Tags have nothing below them but tags; every kind is listed with its name.
    """
    listed = dict(tree_for(None).terms)
    if version.policy.unit_id is None:
        listed |= terms_of(version)
    possible = {each for kinds in PARENTS.values() for each in kinds}
    terms = (term for term in listed.values() if term.kind in possible and not term.is_retired)
    return [
        (term.name, f"{ValueKind(term.kind).label}: {term.label}")
        for term in sorted(terms, key=lambda t: (list(Kind).index(Kind(t.kind)), t.label.lower()))
    ]


def seed_taxonomy(actor: User) -> TaxonomyVersion | None:
    """Version 1 of the enterprise's taxonomy as shipped; later runs propose what is new in it."""
    return seed_policy(
        TaxonomyVersion,
        TAXONOMY_KEY,
        title=TAXONOMY_TITLE,
        actor=actor,
        parts={"entries": shipped.entries()},
        freedom=Freedom.EXTENDABLE,
    )
