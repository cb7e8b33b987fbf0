"""Kinds of components, their layers, and what any version of the boundaries must hold. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices

from config.apikit.codes import explain
from config.errors import Blocker
from config.organisation.rules import Domain


class ComponentKind(TextChoices):
    """What a component is."""

    APPLICATION = "application", "Application"
    DATABASE = "database", "Database"
    NETWORK = "network", "Network"
    CLOUD_RESOURCE = "cloud_resource", "Cloud resource"
    THIRD_PARTY_API = "third_party_api", "Third-party API"


class Layer(TextChoices):
    """The part of a component at which something can fail."""

    APPLICATION = "application", "Application"
    DATA = "data", "Data"
    PLATFORM = "platform", "Platform"
    NETWORK = "network", "Network"
    ACCESS = "access", "Access"


# What a component is in the first place: whoever answers for that layer should own it.
OWN_LAYER: Mapping[str, Layer] = {
    ComponentKind.APPLICATION: Layer.APPLICATION,
    ComponentKind.DATABASE: Layer.DATA,
    ComponentKind.NETWORK: Layer.NETWORK,
    ComponentKind.CLOUD_RESOURCE: Layer.PLATFORM,
    ComponentKind.THIRD_PARTY_API: Layer.APPLICATION,
}


@dataclass(frozen=True)
class Rule:
    """One row: the domain that answers for a layer of components of that kind."""

    line: str
    kind: str
    layer: str
    domain: str

    @property
    def is_own(self) -> bool:
        """Whether it is what the component is in the first place."""
        return OWN_LAYER[self.kind] == self.layer


@dataclass(frozen=True)
class Candidate:
    """A team of the domain: how far above the owner's unit its own is, and its region."""

    key: str
    distance: int
    region: str


def nearest(candidates: Iterable[Candidate], region: str) -> Candidate | None:
    """Of the nearest unit; there, of the same region where one is; else by key."""
    return min(
        candidates, key=lambda each: (each.distance, each.region != region, each.key), default=None
    )


def is_out_of_bounds(own: str, rightful: str) -> bool:
    """Whether the owner's domain is another than the rule's; unknown ones contradict nothing."""
    return bool(own and rightful and own != rightful)


def problems_of(cells: Collection[tuple[str, str]]) -> list[Blocker]:
    """What keeps a version from being activated: kinds without anybody for what they are."""
    return [
        Blocker(
            "boundary_own_layer",
            f"Say which domain answers for the {layer.label.lower()} layer of the kind "
            f"'{ComponentKind(kind).label}': that is what such a component is.",
        )
        for kind, layer in OWN_LAYER.items()
        if (kind, layer) not in cells
    ]


_SHIPPED: Mapping[str, Mapping[str, str]] = {
    ComponentKind.APPLICATION: {
        Layer.APPLICATION: Domain.APPLICATION,
        Layer.DATA: Domain.DATA,
        Layer.PLATFORM: Domain.CLOUD_PLATFORM,
        Layer.NETWORK: Domain.NETWORK,
        Layer.ACCESS: Domain.SECURITY,
    },
    ComponentKind.DATABASE: {
        Layer.DATA: Domain.DATA,
        Layer.PLATFORM: Domain.INFRASTRUCTURE,
        Layer.NETWORK: Domain.NETWORK,
        Layer.ACCESS: Domain.SECURITY,
    },
    ComponentKind.NETWORK: {
        Layer.NETWORK: Domain.NETWORK,
        Layer.PLATFORM: Domain.INFRASTRUCTURE,
        Layer.ACCESS: Domain.SECURITY,
    },
    ComponentKind.CLOUD_RESOURCE: {
        Layer.PLATFORM: Domain.CLOUD_PLATFORM,
        Layer.NETWORK: Domain.NETWORK,
        Layer.ACCESS: Domain.SECURITY,
    },
    ComponentKind.THIRD_PARTY_API: {
        Layer.APPLICATION: Domain.APPLICATION,
        Layer.NETWORK: Domain.NETWORK,
        Layer.ACCESS: Domain.SECURITY,
    },
}


def shipped_rules() -> Sequence[dict[str, Any]]:
    """The shipped boundaries as child rows."""
    return [
        {
            "line": f"{kind}-{layer}",
            "kind": str(kind),
            "layer": str(layer),
            "domain": str(domain),
        }
        for kind, layers in _SHIPPED.items()
        for layer, domain in layers.items()
    ]


explain(
    boundary_own_layer=(
        "Nobody answers for what a kind of component is",
        "Name the domain that answers for that layer.",
    ),
)
