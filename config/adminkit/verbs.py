"""The buttons of a record: each calls the same operation as the API."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget

from config.access.visibility import Access
from config.errors import Blocker


class VerbForm(forms.Form):
    """What a verb asks for. Its cleaned data are the operation's arguments, but for empty ones.

    Use Unfold's widgets: a plain input is invisible in its theme.
    """

    def arguments(self) -> dict[str, Any]:
        """What to hand to the operation."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}


def _text(label: str, *, required: bool, help_text: str = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return forms.CharField(label=label, required=required, widget=widget, help_text=help_text)


class NoteForm(VerbForm):
    """A note, for the timeline."""

    note = _text("Note", required=False, help_text="Shown in the timeline.")


class ReasonForm(VerbForm):
    """A reason, for the record."""

    reason = _text("Reason", required=True, help_text="Kept with the change.")


class MomentForm(NoteForm):
    """A note, and when it really happened, if that was earlier."""

    at = forms.SplitDateTimeField(
        label="When it happened",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="UTC. Leave it empty for now.",
    )


@dataclass(frozen=True)
class Verb:
    """One thing that can be done to a record.

    `name` is the API's name and, unless `right` differs, what `may` is asked; `allowed` answers
    instead, for a record and a visitor's access, where the record's place doesn't decide alone.
    `guard` names the action whose blockers are listed before the button. With `bulk` it works on
    selected rows too.
    """

    name: str
    operation: Callable[..., Any]
    label: str = ""
    form: type[VerbForm] | None = None
    right: str = ""
    allowed: Callable[[Any, Access], bool] | None = None
    guard: str = ""
    bulk: bool = False
    danger: bool = False
    help: str = ""

    @property
    def title(self) -> str:
        """What the button says."""
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def permission(self) -> str:
        """What `may` is asked."""
        return self.right or self.name

    @property
    def takes_reason(self) -> bool:
        """Whether its form, or, without one, its operation takes the reason of a bulk change."""
        if self.form is None:
            return "reason" in inspect.signature(self.operation).parameters
        return "reason" in self.form.base_fields


@dataclass(frozen=True)
class Button:
    """A verb as one visitor sees it on one record."""

    verb: Verb
    url: str
    blockers: list[Blocker] = field(default_factory=list)
