"""Agreements in the admin: drafts with the policies that they bind."""

from typing import Any

from config.adminkit.base import display, register
from config.adminkit.policy import PartInline, PolicyAdmin
from config.agreements.models import AgreementVersion, Definition


class DefinitionInline(PartInline):
    """The policies whose definitions the agreement rests on."""

    model = Definition
    verbose_name = "policy"
    verbose_name_plural = "policies that it binds"
    extra = 1


@register(AgreementVersion)
class AgreementAdmin(PolicyAdmin):
    """Signed agreements, and what they bind."""

    nav_title = "Agreements"
    icon = "handshake"
    section = "Policies"
    nav_order = 55
    empty_text = (
        "No agreement is kept here. Add a draft of one that rests on the severity matrix, or on "
        "another policy: once it is signed, those change only with the sign-offs of service "
        "owner, business unit and legal, and by a change record."
    )
    list_display = ["__str__", "counterparty", "signed", *PolicyAdmin.list_display[1:]]
    search_fields = [*PolicyAdmin.search_fields, "counterparty", "document", "service"]
    inlines = [DefinitionInline]

    @display(description="Signed", ordering="signed_on")
    def signed(self, version: Any) -> str:
        """From which day to which it binds."""
        if version.signed_on is None:
            return "not signed"
        return f"{version.signed_on} to {version.ends_on or 'further notice'}"
