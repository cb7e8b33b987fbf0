"""`var/demo.json`: where the running demo is and how to log in, for scripts and checks."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)


def compose(
    seeded: Mapping[str, Any],
    *,
    url: str,
    pids: Mapping[str, int | None],
    addresses: Mapping[str, Any],
) -> dict[str, Any]:
    """What the seed left, with what only the running installation knows."""
    return {
        "url": url,
        "logins": seeded.get("logins", {}),
        "ingest": seeded.get("ingest", {}),
        "services": seeded.get("services", []),
        "pids": dict(pids),
        **addresses,
    }


def read_seed(path: Path) -> dict[str, Any]:
    """The seed's part; empty where the seed has left none."""
    if not path.exists():
        return {}
    seeded: dict[str, Any] = json.loads(path.read_text())
    return seeded


def write_whole(path: Path, content: Mapping[str, Any]) -> None:
    """Readers see the old file or the new one, and only we may read it: it holds passwords."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    scratch.touch(mode=0o600)
    scratch.write_text(json.dumps(content, indent=2) + "\n")
    scratch.rename(path)


def write_public_key(private: Path, public: Path) -> Path | None:
    """The public half of the sealing key beside the demo file; None before the first seal."""
    if not private.exists():
        return None
    key = load_pem_private_key(private.read_bytes(), password=None).public_key()
    public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public
