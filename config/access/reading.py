"""Reads of restricted records leave a trace: one entry for an answer, naming all of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.http import HttpRequest

from config import clock, origin
from config.access import restricted
from config.events.models import RestrictedRead

WHAT_LENGTH = 200
type Found = set[tuple[type[models.Model], int]]


def note_reads(rows: Iterable[Any], request: HttpRequest) -> None:
    """Write down which restricted records the reader of this answer sees in the rows.

    Costs a query where there are any, and none else: the rows bring their records along, or
    their keys (`restricted.traced`). What a request has noted once it doesn't note again.
    """
    if request.method != "GET":
        return
    reader = request.user.pk
    if reader is None:  # nobody who isn't signed in is shown a record
        return
    noted: Found = request.__dict__.setdefault("_watchbill_reads", set())
    fresh = restricted_in(rows) - noted
    noted |= fresh
    for record in restricted.records():
        keys = sorted(key for model, key in fresh if model is record)
        if keys:
            RestrictedRead.objects.create(
                actor_id=reader,
                subject_type=record._meta.label_lower,
                subject_ids=keys,
                origin=origin.current(),
                at=clock.now(),
                what=f"{request.method} {request.path}"[:WHAT_LENGTH],
            )


def restricted_in(rows: Iterable[Any]) -> Found:
    """The restricted records of which the rows tell, as pairs of model and key."""
    marks = {record: restricted.mark(record) for record in restricted.records()}
    return {pair for row in rows for pair in _restricted_behind(row, marks)}


def _restricted_behind(row: Any, marks: Mapping[type[models.Model], str]) -> Found:
    marked = {record: getattr(row, mark, None) for record, mark in marks.items()}
    if any(keys is not None for keys in marked.values()):
        return {(record, key) for record, keys in marked.items() for key in keys or ()}
    tie = restricted.tie_of(type(row))
    if tie is None:
        return set()
    return {(tie.record, each.pk) for each in tie.records_of(row) if each.is_restricted}
