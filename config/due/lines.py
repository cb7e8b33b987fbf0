"""A thread's connection to the mail server, kept from one mail to the next."""

import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MOST = 50  # mails over one connection: many servers end it after a hundred
FAREWELL_SECONDS = 1.0


class _Kept(threading.local):
    allowed = False
    client: smtplib.SMTP | None = None
    target: object = None
    mails = 0


_kept = _Kept()


@contextmanager
def kept_connection() -> Iterator[None]:
    """Inside, this thread keeps its connection after a mail; at the end it hangs up."""
    _kept.allowed = True
    try:
        yield
    finally:
        _kept.allowed = False
        _hang_up()


def take(target: object) -> smtplib.SMTP | None:
    """The connection that was kept, if it leads there. It may have died meanwhile."""
    if _kept.client is None or _kept.target != target or _kept.mails >= MOST:
        _hang_up()
        _kept.mails = 0
        return None
    client, _kept.client = _kept.client, None
    return client


def keep(target: object, client: smtplib.SMTP) -> None:
    """Keep it for the next mail, where the thread keeps connections at all."""
    if not _kept.allowed:
        client.close()  # no QUIT: its answer could only make a sent mail look like a failed one
        return
    _kept.client, _kept.target = client, target
    _kept.mails += 1


def _hang_up() -> None:
    client, _kept.client = _kept.client, None
    if client is None:
        return
    with suppress(smtplib.SMTPException, OSError):
        if client.sock is not None:
            client.sock.settimeout(FAREWELL_SECONDS)
            client.quit()
    client.close()
