"""What a time zone, a network and a tree of units may be, and what teams answer for."""

import ipaddress
import zoneinfo
from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.db.models import TextChoices

from config.apikit.codes import explain


class Domain(TextChoices):
    """What a team knows, and so what kind of component it answers for."""

    INFRASTRUCTURE = "infrastructure", "Infrastructure"
    APPLICATION = "application", "Application"
    CLOUD_PLATFORM = "cloud_platform", "Cloud platform"
    NETWORK = "network", "Network"
    SECURITY = "security", "Security"
    DATA = "data", "Data"


def validate_time_zone(value: str) -> None:
    """Refuse a name that the IANA database does not have."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            f"'{value}' is not a time zone. Use a name such as 'Europe/Berlin'.",
            code="time_zone_unknown",
        )


def validate_network(value: str) -> None:
    """Refuse what is no network in CIDR form."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValidationError(
            f"'{value}' is not a network. Use a form such as '10.0.0.0/8'.", code="network_invalid"
        ) from error


def address_allowed(address: str | None, networks: Iterable[str]) -> bool:
    """True when the address lies in one of the networks, or when none is named."""
    listed = list(networks)
    if not listed:
        return True
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network) for network in listed)


def descendants(parents: Mapping[int, int | None], roots: Iterable[int]) -> set[int]:
    """The units below `roots`, and these; `parents` maps each unit to its parent."""
    found = set(roots)
    frontier = set(found)
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def ancestors(parents: Mapping[int, int | None], unit: int) -> list[int]:
    """The unit and those above it, nearest first; ends even on a circle."""
    chain: list[int] = []
    current: int | None = unit
    while current is not None and current not in chain:
        chain.append(current)
        current = parents.get(current)
    return chain


explain(
    unit_root_stays=("The enterprise stays the root", "Choose a parent for other units only."),
    unit_circle=("A unit can't lie below itself", "Choose a parent that is not below it."),
    user_is_system=("This is the system's own account", "It is needed; leave it."),
    user_is_actor=("You can't do this to yourself", "Ask a colleague who may."),
    user_active=("The account is active already", "Nothing is left to do."),
    user_inactive=("The account is inactive already", "Nothing is left to do."),
    user_no_password=("Only people have passwords", "Make a token for the service account."),
    token_owner=(
        "People make their own tokens",
        "Make a service account for the tool, and the token for that.",
    ),
    token_revoked_already=("The token was revoked already", "Nothing is left to do."),
    not_a_member=("This person is not in the team", "Nothing is left to do."),
    read_only=("This field can't be changed", "Leave it out.", 400),
)
