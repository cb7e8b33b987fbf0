"""Which rows of the platform's own tables tell of a restricted record: these stand below `access`.

What these rows say in words (a reason, an address, an error) is as secret as the record itself.
"""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import BigIntegerField, F, OuterRef, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce, Concat, StrIndex
from guardian.models import UserObjectPermission

from config.access.restricted import Mention, Rows, Teller, name_field, tells, ties_to
from config.access.visibility import content_type_of
from config.audit.models import GrantChange
from config.due.models import Attempt, OutboundMessage, Timer
from config.events.models import Event, EventDelivery, RestrictedRead

REFUSED = "access.refused"


def names_by(kind: str, key: str, *, many: bool = False) -> Teller:
    """A row names any record by two columns: the label of its model, and its key or keys."""

    def mentions(secret: Rows) -> Iterator[Mention]:
        for tie in ties_to(secret.model):
            if isinstance(tie.model._meta.pk, models.UUIDField):
                continue  # the columns hold numbers
            found = tie.records_of_rows if many else tie.records_of_row
            yield Mention(Q(**{kind: tie.model._meta.label_lower}), found(key, secret))

    return mentions


@tells(Event)
def events(secret: Rows) -> Iterator[Mention]:
    """By their subject; of refusals that were recorded without one, by the address in them."""
    yield from names_by("subject_type", "subject_id")(secret)
    bare = Q(kind=REFUSED, subject_id__isnull=True)
    yield Mention(bare, _addressed(OuterRef("data"), secret))


def _addressed(data: OuterRef, secret: Rows) -> Rows:
    where = Coalesce(KeyTextTransform("where", data), Value(""), output_field=TextField())
    name = secret.model._meta.model_name
    page = Concat(Value(f"/{name}/"), Cast("pk", TextField()), Value("/"), output_field=TextField())
    found = secret.annotate(
        by_name=StrIndex(where, F(name_field(secret.model))), by_page=StrIndex(where, page)
    )
    named: Rows = found.filter(Q(by_name__gt=0) | Q(by_page__gt=0))
    return named


tells(EventDelivery)(names_by("event__subject_type", "event__subject_id"))
tells(Timer, OutboundMessage)(names_by("root_type", "root_id"))
tells(Attempt)(names_by("message__root_type", "message__root_id"))
tells(RestrictedRead)(names_by("subject_type", "subject_ids", many=True))


@tells(UserObjectPermission)
def grants(secret: Rows) -> Iterator[Mention]:
    """Who was let in."""
    key = Cast(OuterRef("object_pk"), BigIntegerField())
    condition = Q(content_type=content_type_of(secret.model))
    yield Mention(condition, secret.filter(pk=key))


@tells(GrantChange)
def grant_changes(secret: Rows) -> Iterator[Mention]:
    """Who was let in and taken out again: a row as it was, as it became, and both of a change."""
    content_type = content_type_of(secret.model).pk
    for place in ("row", "row__old", "row__new"):
        inner: Any = OuterRef("row")
        for name in place.split("__")[1:]:
            inner = KeyTransform(name, inner)
        key = Cast(KeyTextTransform("object_pk", inner), BigIntegerField())
        condition = Q(**{f"{place}__content_type_id": content_type})
        yield Mention(condition, secret.filter(pk=key))
