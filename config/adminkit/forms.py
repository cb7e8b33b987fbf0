"""What every editing form of the admin adds: a reason, and protection against stale forms."""

from typing import Any

from django import forms
from django.db import models
from unfold.widgets import UnfoldAdminTextInputWidget

from config.adminkit import refusals

# Fields of the form that aren't the model's.
OWN_FIELDS = ["edit_reason", "seen_revision"]


class EditFields(forms.Form):
    """Mixed into the form of a tracked record: why it changes, and which save the person saw."""

    edit_reason = forms.CharField(
        label="Reason for this change",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept in the history.",
    )
    seen_revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_revision"] = self._row.revision

    @property
    def _row(self) -> Any:
        return self.instance  # type: ignore[attr-defined]  # a model form's

    def clean(self) -> dict[str, Any] | None:
        """Refuse when somebody saved after the form was opened.

        The row stays locked until the transaction ends, so nobody can come in between.
        """
        cleaned = super().clean()
        rows = type(self._row)._base_manager.select_for_update(no_key=True)
        stored = rows.filter(pk=self._row.pk).values_list("revision", flat=True).first()
        if self.cleaned_data.get("seen_revision") != stored:
            raise forms.ValidationError(stale_text(self._row), code="stale")
        return cleaned


def stale_text(row: Any) -> str:
    """Who was faster, and what to do."""
    last = row.history.select_related("history_user").first()
    who = last.history_user if last is not None else None
    when = f" at {last.history_date:%H:%M:%S} UTC" if last is not None else ""
    return (
        f"{who or 'Somebody'} saved this record{when}, after you opened it. Nothing of yours was "
        "saved: copy what you typed, open the page again, and make your change there."
    )


def with_edit_fields(form: type[Any], model: type[models.Model]) -> type[Any]:
    """The form, with reason and stale check where the model counts its saves."""
    if not hasattr(model, "revision"):
        return form
    return type(form.__name__, (EditFields, form), {})


def with_refusal(form: type[Any], refusal: Exception | None) -> type[Any]:
    """The form, refusing with that error: how an operation's refusal gets beside its field."""
    if refusal is None:
        return form

    def full_clean(self: Any) -> None:
        super(refusing, self).full_clean()
        if self.is_bound:
            refusals.add_to(self, refusal)

    refusing: type[Any] = type(form.__name__, (form,), {"full_clean": full_clean})
    return refusing
