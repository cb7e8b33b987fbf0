"""One's own contact methods."""

from typing import Any

from rest_framework import serializers

from config.apikit.serializers import Input
from config.apikit.views import OPEN, VIEW, Creates, Edits, Histories, Removes, Resource, verb
from config.due.models import Channel
from config.organisation.models import Scope, User
from escalation.responders import operations
from escalation.responders.models import ContactMethod


class ContactMethodOut(serializers.ModelSerializer[ContactMethod]):
    """An address and whether it is verified."""

    version = serializers.IntegerField(source="revision", read_only=True)
    user = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = ContactMethod
        fields = read_only_fields = (
            "id", "user", "channel", "address", "position", "verified_at", "removed_at", "version",
        )  # fmt: skip


class ContactMethodIn(Input):
    """A new address; a code is sent to it."""

    channel = serializers.ChoiceField(choices=Channel.choices)
    address = serializers.CharField(max_length=500)
    position = serializers.IntegerField(min_value=1, max_value=20, default=1)


class ContactMethodEditIn(Input):
    """Its place among one's addresses; another address is another contact method."""

    position = serializers.IntegerField(min_value=1, max_value=20)


class CodeIn(Input):
    """The code that was sent."""

    code = serializers.CharField(max_length=20)


class ContactMethodViewSet(Creates, Edits, Removes, Histories, Resource[ContactMethod]):
    """Add an address, confirm the code, send yourself a test page."""

    model = ContactMethod
    out = ContactMethodOut
    inputs = {"create": ContactMethodIn, "partial_update": ContactMethodEditIn}
    history_hides = ("code_expires_at",)
    scope_read, scope_write = Scope.ONCALL_READ, Scope.ONCALL_WRITE
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "create": OPEN, "partial_update": "edit",
        "verify": "verify", "resend_code": "resend_code", "test": "test", "destroy": "remove",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With the person."""
        return rows.select_related("user")

    def perform_create(self, data: dict[str, Any], actor: User) -> ContactMethod:
        """Add it to one's own list."""
        return operations.add_contact_method(actor, actor=actor, **data)

    def perform_edit(self, row: ContactMethod, data: dict[str, Any], actor: User) -> None:
        """Change its place."""
        operations.edit_contact_method(row, actor=actor, changes=data)

    def perform_remove(self, row: ContactMethod, actor: User) -> None:
        """Stop using it."""
        operations.remove_contact_method(row, actor=actor)

    @verb(CodeIn)
    def verify(self, row: ContactMethod, data: dict[str, Any], actor: User) -> None:
        """Confirm the code."""
        operations.verify(row, code=data["code"], actor=actor)

    @verb()
    def resend_code(self, row: ContactMethod, data: dict[str, Any], actor: User) -> None:
        """Send a fresh code."""
        operations.resend_code(row, actor=actor)

    @verb()
    def test(self, row: ContactMethod, data: dict[str, Any], actor: User) -> None:
        """Send a test page."""
        operations.send_test_page(row, actor=actor)
