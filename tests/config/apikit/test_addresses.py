"""Whose address a request has, behind proxies."""

import pytest

from config.apikit.addresses import client_address

PROXIES = ["10.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("", "192.0.2.1", None),
        ("unix", "", None),
    ],
)
def test_believes_trusted_proxies_only(peer: str, forwarded: str, expected: str | None) -> None:
    assert client_address(peer, forwarded, PROXIES) == expected
