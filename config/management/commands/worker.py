"""`manage.py worker`: does what falls due and sends what is to be sent. Any number may run."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.due.process import Worker


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT, then ends within seconds."""

    help = "Run timers, event handlers, raw intake and outbound messages as they fall due."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()

        def stop(number: int, frame: FrameType | None) -> None:
            worker.request_stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        if not worker.run():
            raise CommandError("Nothing can be sent any more; start the worker again.")
