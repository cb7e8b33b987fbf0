"""The tree of the taxonomy as values, what any version of it must hold, and the shipped one. Pure.

A term is named `<kind>:<key>`, as in `category:network`; units hang theirs below the enterprise's.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from config.apikit.codes import explain
from config.errors import Blocker
from incidents.boundaries.rules import ComponentKind


class Kind(StrEnum):
    """What a term classifies."""

    TYPE = "type"
    CATEGORY = "category"
    CLOSURE_CODE = "closure_code"
    CAUSE_CODE = "cause_code"
    TAG = "tag"


# Below what a term of a kind may hang: categories below types, everything below its own kind.
PARENTS: Mapping[str, tuple[str, ...]] = {
    Kind.TYPE: (Kind.TYPE,),
    Kind.CATEGORY: (Kind.TYPE, Kind.CATEGORY),
    Kind.CLOSURE_CODE: (Kind.CLOSURE_CODE,),
    Kind.CAUSE_CODE: (Kind.CAUSE_CODE,),
    Kind.TAG: (Kind.TAG,),
}
# The kinds of component that a type may be limited to (INC-02).
COMPONENT_KINDS: tuple[tuple[str, str], ...] = tuple(
    (kind.value, str(kind.label)) for kind in ComponentKind
)


def name_of(kind: str, key: str) -> str:
    """How a term is named where its kind isn't known from the place."""
    return f"{kind}:{key}"


@dataclass(frozen=True)
class Term:
    """One value of the tree, as a version says it."""

    kind: str
    key: str
    label: str
    parent: str = ""
    is_retired: bool = False
    component_kinds: tuple[str, ...] = ()
    default_tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Kind and key."""
        return name_of(self.kind, self.key)


type Terms = Mapping[str, Term]


@dataclass(frozen=True)
class Tree:
    """The terms that hold somewhere, by name: the enterprise's, and those that units add."""

    terms: Terms

    def find(self, kind: str, key: str) -> Term | None:
        """The term of that kind and key."""
        return self.terms.get(name_of(kind, key))

    def above(self, term: Term) -> Iterator[Term]:
        """What it hangs below, nearest first. Ends also where a draft has made a circle."""
        seen = {term.name}
        parent = self.terms.get(term.parent)
        while parent is not None and parent.name not in seen:
            seen.add(parent.name)
            yield parent
            parent = self.terms.get(parent.parent)

    def is_offered(self, term: Term) -> bool:
        """Whether new records may use it: neither it nor anything above it is retired."""
        return not (term.is_retired or any(each.is_retired for each in self.above(term)))

    def offered(self, kind: str) -> list[Term]:
        """The terms of a kind that new records may use, by label."""
        found = (each for each in self.terms.values() if each.kind == kind)
        return sorted((t for t in found if self.is_offered(t)), key=lambda t: t.label.lower())

    def component_kinds(self, term: Term) -> tuple[str, ...]:
        """The kinds of component that a type is limited to, its own or inherited; empty: any."""
        limited = (each.component_kinds for each in (term, *self.above(term)))
        return next((kinds for kinds in limited if kinds), ())

    def fits(self, category: Term, kind: Term) -> bool:
        """Whether a category may stand beside a type: a category below no type fits them all."""
        types = [each.name for each in self.above(category) if each.kind == Kind.TYPE]
        lineage = [kind.name, *(each.name for each in self.above(kind))]
        return not types or types[0] in lineage

    def default_tags(self, terms: Iterable[Term]) -> list[str]:
        """The tags that come with these terms, as far as they are offered."""
        wanted = {tag for term in terms for each in (term, *self.above(term))
                  for tag in each.default_tags}  # fmt: skip
        return sorted(tag for tag in wanted if self._offers_tag(tag))

    def _offers_tag(self, key: str) -> bool:
        tag = self.find(Kind.TAG, key)
        return tag is not None and self.is_offered(tag)


def problems_of(own: Terms, enterprise: Terms) -> list[Blocker]:
    """What keeps a version from being activated; `enterprise` is empty where it is its own."""
    tree = Tree({**enterprise, **own})
    return [each for term in own.values() for each in _wrong(term, tree)]


def _wrong(term: Term, tree: Tree) -> Iterator[Blocker]:
    if term.parent and term.parent not in tree.terms:
        yield Blocker(
            "taxonomy_parent_missing",
            f"{term.label} hangs below {term.parent}, which isn't there; choose another parent.",
        )
    elif term.parent and _is_circular(term, tree):
        yield Blocker(
            "taxonomy_circular", f"{term.label} hangs below itself; choose another parent."
        )
    for tag in term.default_tags:
        if tree.find(Kind.TAG, tag) is None:
            yield Blocker(
                "taxonomy_tag_missing",
                f"{term.label} brings the tag {tag}, which isn't there; add it, or choose another.",
            )


def _is_circular(term: Term, tree: Tree) -> bool:
    return any(each.parent == term.name for each in (term, *tree.above(term)))


explain(
    taxonomy_parent_missing=(
        "A value of the taxonomy hangs below one that isn't there",
        "Choose a parent that the version, or the enterprise's, has.",
    ),
    taxonomy_circular=("A value of the taxonomy hangs below itself", "Choose another parent."),
    taxonomy_tag_missing=(
        "A value of the taxonomy brings a tag that isn't there",
        "Add the tag to the version, or choose another.",
    ),
    taxonomy_value_removed=(
        "A value that records may refer to would vanish",
        "Keep its row and mark it as retired: old records go on showing it.",
    ),
    taxonomy_value_taken=(
        "Another part of the company has a value of this kind and key",
        "Choose another key, or use the value that is there.",
    ),
    value_retired=("This value is retired", "Choose one that is offered.", 400),
    value_not_offered=("This value isn't offered here", "Choose one that is offered.", 400),
    category_not_of_type=(
        "This category belongs to another type",
        "Choose a category below the type, or another type.",
        400,
    ),
    type_not_for_component=(
        "Incidents of this type aren't raised on such a component",
        "Choose another component, or another type.",
        400,
    ),
)
