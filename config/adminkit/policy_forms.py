"""The forms of a policy: its draft and child rows, and what the buttons of a version ask for."""

from collections.abc import Iterable
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from config.adminkit.verbs import VerbForm
from config.governance.backtest import MOST, USUAL
from config.governance.rules import Capacity
from config.governance.signing import LONGEST_REFERENCE
from config.organisation.models import BusinessUnit


class ApproveForm(VerbForm):
    """Which content is approved, and what the approver says to it."""

    content_hash = forms.CharField(
        label="Content that you read (SHA-256)",
        widget=UnfoldAdminTextInputWidget(attrs={"readonly": "readonly"}),
        help_text="If it has changed since you read it, this is refused.",
    )
    comment = forms.CharField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def arguments(self) -> dict[str, Any]:
        """The hash is always named."""
        return dict(self.cleaned_data)


class TextForm(VerbForm):
    """A comment."""

    text = forms.CharField(
        label="Comment",
        max_length=5000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Whoever may see this version reads it; it can't be changed afterwards.",
    )


class SignOffForm(ApproveForm):
    """For which side one signs which content."""

    capacity = forms.ChoiceField(
        label="For", choices=Capacity.choices, widget=UnfoldAdminSelectWidget
    )
    field_order = ["capacity", "content_hash", "comment"]

    def offer(self, capacities: Iterable[tuple[str, str]]) -> None:
        """Only the sides for which the visitor speaks."""
        self.fields["capacity"].choices = list(capacities)  # type: ignore[attr-defined]  # a choice field


class ChangeReferenceForm(VerbForm):
    """The change record under which something signed changes."""

    reference = forms.CharField(
        label="Change record",
        max_length=LONGEST_REFERENCE,
        widget=UnfoldAdminTextInputWidget,
        help_text="As it is named where changes are kept, such as CHG0031337.",
    )


class ActivateForm(VerbForm):
    """From when it holds."""

    at = forms.SplitDateTimeField(
        label="From (UTC)",
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget(),
        help_text="Leave it empty to activate now.",
    )


class BackTestForm(VerbForm):
    """On how many of the past."""

    last = forms.IntegerField(
        label="Records, newest first",
        min_value=1,
        max_value=MOST,
        initial=USUAL,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class CommentForm(VerbForm):
    """What a reviewer found."""

    comment = forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class NewPolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # of any kind
    """Which policy the draft is for; its content comes on the next page."""

    key: forms.Field = forms.SlugField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="Lower-case letters, digits and hyphens. An existing key gets its next version.",
    )
    title: forms.Field | None = forms.CharField(
        max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )
    unit = forms.ModelChoiceField(
        BusinessUnit.objects.none(),
        required=False,
        empty_label="The whole enterprise",
        widget=UnfoldAdminSelectWidget,
    )


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]  # of any kind
    """The content of a draft, and which save the person saw; the operation compares them."""

    seen_revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_revision"] = self.instance.revision


class PartForm(forms.ModelForm):  # type: ignore[type-arg]  # of any kind
    """A child row: the operation checks constraints, once all rows of the form are known."""

    def validate_unique(self) -> None:
        """Two rows may swap their numbers."""

    def validate_constraints(self) -> None:
        """As above."""
