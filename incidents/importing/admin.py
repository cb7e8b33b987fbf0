"""Imports of the catalogue in the admin: a file or its text, a preview, one button."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from config.access.rules import Level
from config.adminkit.base import OperationAdmin, Verb, display, register
from config.errors import Blocker
from incidents.importing import operations
from incidents.importing.models import CatalogueImport
from incidents.importing.rules import MOST_CHARACTERS, ImportState
from incidents.importing.taking import Outcome

if TYPE_CHECKING:
    _Form = forms.ModelForm[CatalogueImport]
else:
    _Form = forms.ModelForm


class ImportForm(_Form):
    """A file, or its text."""

    file = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV, YAML or JSON in UTF-8; or paste its text below.",
    )
    content = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        max_length=MOST_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
    )

    def clean(self) -> dict[str, Any] | None:
        """The text of the file, where there is one."""
        cleaned = super().clean() or {}
        sent = cleaned.pop("file", None)
        if sent is not None and sent.size > MOST_CHARACTERS:
            self.add_error("file", "The file is too large; split it.")
        elif sent is not None:
            cleaned["content"] = sent.read().decode("utf-8", errors="replace")
        if not self.errors and not cleaned.get("content"):
            self.add_error("file", "Choose a file, or paste its text.")
        return cleaned


@register(CatalogueImport)
class ImportAdmin(OperationAdmin):
    """Services, components and dependencies from files, previewed row by row."""

    section = "Organisation"
    nav_title = "Catalogue imports"
    nav_order = 58
    icon = "upload_file"
    empty_text = (
        "Nothing was imported. Add a file of services, components or dependencies: it is shown "
        "what each row would do before anything is changed."
    )
    form = ImportForm
    list_display = ["__str__", "format", "shown_state", "summary", "by"]
    list_filter = ["what", "format", "state"]
    search_fields = ["by__username"]
    list_select_related = ["by"]
    fieldsets = [(None, {"fields": [("what", "format"), "file", "content"]})]
    readonly_fields = []
    inlines = []
    actions = []
    add_level = Level.MANAGE
    create_operation = operations.preview
    verbs = (Verb("apply", operations.apply, label="Apply: all rows, or none"),)

    def verbs_from(self, obj: CatalogueImport) -> list[str]:
        """Once."""
        return ["apply"] if obj.state == ImportState.PREVIEWED else []

    def blockers_of(self, verb: Verb, obj: CatalogueImport) -> list[Blocker]:
        """Rows that can't be taken."""
        wrong = obj.count(Outcome.WRONG)
        rows = "1 row" if wrong == 1 else f"{wrong} rows"
        text = f"{rows} can't be taken: put that right in the file, and import it again."
        return [Blocker("import_has_errors", text)] if wrong else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The file first; then what its rows do."""
        if obj is None:
            return self.fieldsets
        shown = ["shown_state", "summary", ("by", "at", "applied_at"), "preview"]
        return [(None, {"fields": [("what", "format"), *shown]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was previewed stays as it is."""
        if obj is None:
            return []
        return ["what", "format", "shown_state", "summary", "by", "at", "applied_at", "preview"]

    @display(
        description="State", ordering="state", label={"Previewed": "warning", "Applied": "success"}
    )
    def shown_state(self, found: CatalogueImport) -> str:
        """As a badge with text."""
        return str(found.get_state_display())

    @display(description="Rows")
    def summary(self, found: CatalogueImport) -> str:
        """How many of each outcome."""
        counts = ((each, found.count(each)) for each in Outcome)
        return ", ".join(f"{count} {_said(each, found)}" for each, count in counts if count)

    @display(description="What each row does")
    def preview(self, found: CatalogueImport) -> SafeString:
        """A table, what is wrong first."""
        rows = sorted(found.rows, key=lambda row: (row["outcome"] != Outcome.WRONG, row["row"]))
        shown = [{**row, "outcome": _said(row["outcome"], found)} for row in rows]
        return render_to_string("incidents/import_rows.html", {"rows": shown})


def _said(outcome: str, found: CatalogueImport) -> str:
    """What became of a row; of one that isn't applied yet, what would."""
    is_change = outcome in (Outcome.CREATED, Outcome.CHANGED)
    return f"to be {outcome}" if is_change and found.state == ImportState.PREVIEWED else outcome
