"""Reading the environment: names, defaults, and clear words where a value is wrong."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Environment:
    """The variables of this installation (docs/operate.md lists them)."""

    def __init__(self, environ: Mapping[str, str], *, var: Path) -> None:
        self._environ = environ
        self._var = var

    def text(self, name: str, default: str = "") -> str:
        """One value; empty counts as unset."""
        return self._environ.get(name, "").strip() or default

    def items(self, name: str) -> list[str]:
        """A list, separated by commas."""
        return [item.strip() for item in self.text(name).split(",") if item.strip()]

    def number(self, name: str, default: int) -> int:
        """A positive whole number."""
        text = self.text(name, str(default))
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ImproperlyConfigured(f"{name} is '{text}'; give a whole number above 0")
        return int(text)

    def path(self, name: str, default: Path) -> Path:
        """A file or folder."""
        return Path(self.text(name) or default)

    def base_url(self) -> str:
        """Where people reach the installation; mail links and feeds begin with it."""
        url = self.text("WATCHBILL_BASE_URL", f"http://127.0.0.1:{self.text('PORT', '8000')}")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ImproperlyConfigured(
                f"WATCHBILL_BASE_URL is '{url}'; give it the form https://watchbill.example.org"
            )
        return url.rstrip("/")

    def hosts(self) -> list[str]:
        """Host names that requests may carry: loopback, the base URL's, and WATCHBILL_HOSTS."""
        host = urlsplit(self.base_url()).hostname or "localhost"
        return sorted({*LOOPBACK, host, *self.items("WATCHBILL_HOSTS")})

    def trusted_origins(self) -> list[str]:
        """Origins from which forms may be posted behind a proxy."""
        parts = urlsplit(self.base_url())
        return [f"{parts.scheme}://{parts.netloc}"]

    def secure_cookies(self) -> bool:
        """True except on plain http to loopback."""
        parts = urlsplit(self.base_url())
        return parts.scheme == "https" or parts.hostname not in {"localhost", "127.0.0.1", "::1"}

    def secret_key(self) -> str:
        """WATCHBILL_SECRET_KEY, or one made on first use and kept under var/keys (mode 0600)."""
        if given := self.text("WATCHBILL_SECRET_KEY"):
            return given
        kept = self._var / "keys" / "secret"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = kept.with_suffix(f".{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(50))
            try:
                kept.hardlink_to(fresh)  # the first of two racing processes wins
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return kept.read_text()
