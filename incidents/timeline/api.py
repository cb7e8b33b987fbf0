"""The timeline's lines over HTTP: what goes in and what comes out; incidents mount it."""

from typing import Any, ClassVar

from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from config.apikit.pagination import NewestFirst
from config.apikit.serializers import Input
from incidents.timeline.models import TimelineEntry
from incidents.timeline.operations import NOTE_KINDS, TEXT_LIMIT
from incidents.timeline.rules import html


class EntryOut(serializers.ModelSerializer[TimelineEntry]):
    """One line. `html` is the text as safe HTML; `late` where it was written down afterwards."""

    actor = serializers.SlugRelatedField[Any](slug_field="username", read_only=True)
    html = serializers.SerializerMethodField()
    late = serializers.BooleanField(source="is_late", read_only=True)
    supersedes = serializers.IntegerField(source="supersedes_id", read_only=True, allow_null=True)

    reads: ClassVar = {"html": ("text",), "late": ("at", "recorded_at", "origin")}

    class Meta:
        model = TimelineEntry
        fields = read_only_fields = (
            *("id", "kind", "text", "html", "at", "recorded_at", "late", "actor", "origin"),
            *("source", "reliability", "supersedes"),
        )

    def get_html(self, entry: TimelineEntry) -> str:
        """The Markdown of the text, rendered."""
        return html(entry.text)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An observation",
            {
                "kind": "observation",
                "text": "Error rate 18 %, behind the new nodes only.",
                "at": "2026-11-21T08:05:00Z",
            },
        )
    ]
)
class NoteIn(Input):
    """A line that somebody writes. `supersedes` is the id of the line that it corrects."""

    kind = serializers.ChoiceField(
        choices=[(kind.value, kind.label) for kind in NOTE_KINDS], default=NOTE_KINDS[0].value
    )
    text = serializers.CharField(max_length=TEXT_LIMIT)
    at = serializers.DateTimeField(required=False, allow_null=True)
    supersedes = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1
    )


class Chronological(NewestFirst):
    """Pages in the order of what happened: a late line stands where it belongs."""

    ordering = "at"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """By the time of the event, then as written."""
        return ("at", "id")

    def is_position(self, position: str) -> bool:
        """Whether this can be an instant; others would fail in the database."""
        try:
            return parse_datetime(position) is not None
        except ValueError:
            return False
