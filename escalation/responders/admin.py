"""One's contact methods in the admin: add, verify, test, remove."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from config.adminkit.base import OperationAdmin, ReasonForm, Verb, VerbForm, register
from config.organisation.models import User
from escalation.responders import operations
from escalation.responders.models import ContactMethod


class CodeForm(VerbForm):
    """The code that was sent."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )


def _add_own(*, actor: User, channel: str, address: str, position: int) -> ContactMethod:
    return operations.add_contact_method(
        actor, channel=channel, address=address, position=position, actor=actor
    )


@register(ContactMethod)
class ContactMethodAdmin(OperationAdmin):
    """Where I am paged. Unverified addresses are never used."""

    nav_order = 60
    icon = "contact_phone"
    empty_text = (
        "You can't be paged yet. Add a mail address or a webhook, then enter the code that is "
        "sent to it."
    )
    list_display = ["user", "channel", "address", "position", "verified_at", "removed_at"]
    list_filter = ["channel"]
    search_fields = ["address", "user__name"]
    readonly_fields = ["user", "verified_at", "removed_at"]
    fieldsets = [(None, {"fields": ["user", "channel", "address", "position", "verified_at"]})]
    list_select_related = ["user"]
    change_verb = "edit"
    create_operation = _add_own
    edit_operation = operations.edit_contact_method
    verbs = (
        Verb("verify", operations.verify, label="Enter the code", form=CodeForm),
        Verb("resend_code", operations.resend_code, label="Send a fresh code"),
        Verb("test", operations.send_test_page, label="Send me a test page"),
        Verb("remove", operations.remove_contact_method, form=ReasonForm, danger=True),
    )

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        """Only its place changes: another address must be verified anew."""
        fixed = ("channel", "address") if obj is not None else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Not once it was removed."""
        kept = obj is None or obj.removed_at is None
        return kept and super().has_change_permission(request, obj)

    def add_check(self, request: Any) -> bool:
        """Everybody adds to one's own list."""
        return True

    def verbs_from(self, obj: ContactMethod) -> list[str]:
        """Verify first; then test."""
        if obj.removed_at:
            return []
        return ["test", "remove"] if obj.verified_at else ["verify", "resend_code", "remove"]
