"""What others do at the same time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from config.organisation.models import User


@contextmanager
def locked(root: User) -> Iterator[None]:
    """Somebody else works on the record meanwhile."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=root.pk)
            held.set()
            release.wait(30)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    try:
        yield
    finally:
        release.set()
        thread.join(30)


def together(jobs: list[Callable[[], None]]) -> None:
    """Do them at once, in threads."""
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
