"""`manage.py smtp_sink --port N --dir var/mail`: takes every mail and keeps it as a file."""

import asyncio
import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """A real SMTP server for the demo; it delivers nothing to anyone."""

    help = "Take every mail sent to a local port and keep it as a .eml file."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--dir", type=Path, required=True)

    def handle(self, *args: Any, port: int, dir: Path, **options: Any) -> None:
        asyncio.run(serve(port, dir))


async def serve(port: int, folder: Path) -> None:
    """Listen on loopback until SIGTERM or SIGINT."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    keeper = Keeper(folder)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    await stopped.wait()
    server.close()


class Keeper:
    """Writes each mail whole: readers of the folder never see half of one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(  # noqa: N802  (the name that aiosmtpd calls)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail with its envelope in front, and accept it."""
        name = f"{time.time_ns()}-{os.getpid()}-{next(self._numbers)}"
        scratch = self._folder / f".{name}"
        scratch.touch(mode=0o600)
        scratch.write_bytes(_envelope(envelope) + bytes(envelope.original_content or b""))
        scratch.rename(self._folder / f"{name}.eml")
        return "250 kept"


def _envelope(envelope: Envelope) -> bytes:
    recipients = ", ".join(envelope.rcpt_tos)
    return f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n".encode()
