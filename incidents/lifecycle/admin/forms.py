"""What the verbs of an incident ask for."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from config.adminkit.verbs import MomentForm, VerbForm
from config.organisation.models import User
from incidents.lifecycle.models import KeyTime
from incidents.timeline.models import Reliability
from incidents.timeline.operations import NOTE_KINDS, TEXT_LIMIT


def _reason(*, required: bool, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        required=required,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=help_text,
    )


class ReasonedForm(MomentForm):
    """Reason, note, and when."""

    reason = _reason(required=True, help_text="Kept with the change.")
    field_order = ["reason", "note", "at"]


class NoteEntryForm(VerbForm):
    """A line of the timeline, or the correction of one."""

    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in NOTE_KINDS], widget=UnfoldAdminSelectWidget
    )
    text = forms.CharField(
        max_length=TEXT_LIMIT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Markdown. Nobody can change it afterwards; corrections stand beside it.",
    )
    at = forms.SplitDateTimeField(
        label="When it happened",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="UTC. Leave it empty for now.",
    )
    supersedes = forms.IntegerField(
        label="Corrects line",
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The number of the line that this one puts right; empty for a new line.",
    )


class ClaimForm(VerbForm):
    """Another statement of a key time."""

    which = forms.ChoiceField(
        label="Key time", choices=KeyTime.choices, widget=UnfoldAdminSelectWidget
    )
    at = forms.SplitDateTimeField(
        label="When it was", widget=UnfoldAdminSplitDateTimeWidget(), help_text="UTC."
    )
    source = forms.CharField(
        required=False,
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text="Who or what says so: a customer, a dashboard, a log.",
    )
    reliability = forms.ChoiceField(
        choices=Reliability.choices, initial=Reliability.REPORTED, widget=UnfoldAdminSelectWidget
    )
    reason = _reason(required=False)


class ChooseTimeForm(VerbForm):
    """The claim that counts."""

    claim = forms.IntegerField(
        label="Number of the claim",
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="As listed under 'Claims of key times'.",
    )
    reason = _reason(required=False, help_text="Needed where another claim counted.")


class LetInForm(VerbForm):
    """Somebody who is let in."""

    user = forms.ModelChoiceField(
        label="Person", queryset=User.objects.none(), widget=UnfoldAdminSelectWidget
    )
    reason = _reason(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.people().order_by("name", "username")
        self.fields["user"].queryset = people  # type: ignore[attr-defined]  # a model choice
