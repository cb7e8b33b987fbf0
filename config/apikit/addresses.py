"""The address of whoever called, behind proxies that this installation trusts. Pure."""

import ipaddress
from collections.abc import Iterable


def client_address(peer: str, forwarded_for: str, proxies: Iterable[str]) -> str | None:
    """The peer; where that is a trusted proxy, the last address that it vouches for.

    X-Forwarded-For is read from the right: what a caller writes into it stands on the left.
    """
    trusted = [ipaddress.ip_network(each, strict=False) for each in proxies]
    chain = [*(part.strip() for part in forwarded_for.split(",") if part.strip()), peer]
    found = None
    for candidate in reversed(chain):
        address = _parsed(candidate)
        if address is None:
            return found
        found = str(address)
        if not any(address in network for network in trusted):
            return found
    return found


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
