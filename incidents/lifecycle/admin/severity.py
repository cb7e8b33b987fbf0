"""The severity on the incident's page: why it is so, what it set off, who decides, and forms."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from config.access.rules import label_of
from config.adminkit.verbs import VerbForm
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations.assessing import basis_of
from incidents.lifecycle.operations.provisional import open_provisional
from incidents.lifecycle.operations.reassessing import TEXT_LIMIT, open_request
from incidents.lifecycle.operations.severity import REASONS
from incidents.taxonomy.impact import MEASURED, MOST_REVENUE, MOST_USERS
from incidents.taxonomy.models import DataSensitivity, Exposure, Severity

UNKNOWN = ("", "Not known")
YES_OR_NO = {"true": True, "false": False}


def panel(incident: Incident) -> dict[str, Any]:
    """What the template of the panel shows."""
    attached = incident.engagements.select_related("version").order_by("-id").first()
    changes = incident.severity_changes.select_related("requested_by", "decision__decided_by")
    return {
        "basis": basis_of(incident),
        "engagement": attached,
        "engaged_roles": [label_of(name) for name in attached.roles] if attached else [],
        "severity_changes": changes.order_by("-id"),
        "undecided": open_request(incident),
        "provisional": open_provisional(incident),
        "measured": [(_title(name), _shown(incident, name)) for name in MEASURED],
    }


def _title(name: str) -> str:
    field: Any = Incident._meta.get_field(name)
    title = str(field.verbose_name)
    return title[:1].upper() + title[1:]


def _shown(incident: Incident, name: str) -> str:
    value = getattr(incident, name)
    if value in ("", None):
        return "Not known"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int):
        return f"{value:,}"
    return str(getattr(incident, f"get_{name}_display")())


def _words(label: str, *, required: bool = False, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=TEXT_LIMIT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=help_text,
    )


def _count(label: str, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=most,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=help_text,
    )


def _choice(label: str, choices: Any, **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, widget=UnfoldAdminSelectWidget, **options
    )


class ReviseImpactForm(VerbForm):
    """The measured impact as it is known now."""

    users_affected = _count("Users affected", MOST_USERS)
    revenue_per_hour = _count(
        "Revenue lost per hour", MOST_REVENUE, "In whole units of the company's currency."
    )
    exposure = _choice("Exposure", [UNKNOWN, *Exposure.choices], required=False)
    data_sensitivity = _choice(
        "Sensitivity of the data", [UNKNOWN, *DataSensitivity.choices], required=False
    )
    is_regulatory = _choice(
        "A regulator must be told",
        [UNKNOWN, ("true", "Yes"), ("false", "No")],
        required=False,
    )
    justification = _words("Justification", help_text="Needed where the severity gets lower.")
    evidence = _words("Evidence", help_text="Links, figures, references of records.")

    @staticmethod
    def initial_of(incident: Incident) -> Mapping[str, Any]:
        """As it stands."""
        values = {name: getattr(incident, name) for name in MEASURED}
        flag = values["is_regulatory"]
        return values | {"is_regulatory": "" if flag is None else str(flag).lower()}

    def arguments(self) -> dict[str, Any]:
        """All of the impact: what was emptied is no longer known."""
        said = dict(self.cleaned_data)
        changes = {name: said.pop(name) for name in MEASURED}
        changes["is_regulatory"] = YES_OR_NO.get(changes["is_regulatory"])
        return {**said, "changes": changes}


class ChangeSeverityForm(VerbForm):
    """Another severity than the matrix says."""

    to = _choice("New severity", Severity.choices)
    reason_code = _choice("Reason", [(each.value, str(each.label)) for each in REASONS])
    justification = _words("Justification", help_text="Needed for a lower severity.")
    evidence = _words("Evidence", help_text="Links, figures, references of records.")


class DecideSeverityForm(VerbForm):
    """The second person's answer to the very request that they read."""

    change = forms.IntegerField(widget=forms.HiddenInput)
    approve = forms.TypedChoiceField(
        label="Decision",
        choices=[("true", "Approve"), ("false", "Reject")],
        coerce=YES_OR_NO.__getitem__,
        widget=UnfoldAdminSelectWidget,
    )
    note = _words("Note", help_text="Needed where you reject it.")

    @staticmethod
    def initial_of(incident: Incident) -> Mapping[str, Any]:
        """The request that waits."""
        request = open_request(incident)
        return {"change": request.pk} if request else {}


class JustifiedForm(VerbForm):
    """A word why."""

    justification = _words("Justification", required=True, help_text="Kept with the change.")


class MaybeJustifiedForm(VerbForm):
    """A word why, where there is one."""

    justification = _words("Justification")


class LowerProvisionalForm(VerbForm):
    """What it was instead."""

    to = _choice("New severity", [each for each in Severity.choices if each[0] != "SEV1"])
    justification = _words("Justification", help_text="Kept with the change.")
    evidence = _words("Evidence", help_text="Links, figures, references of records.")

    def arguments(self) -> dict[str, Any]:
        """With the justification, also where it is empty: the operation says what is missing."""
        return dict(self.cleaned_data)


class WithdrawForm(VerbForm):
    """Why one takes it back."""

    reason = _words("Reason")
