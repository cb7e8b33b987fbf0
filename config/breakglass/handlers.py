"""The mails about break-glass: they carry reference and link, and nothing of the record."""

from django.conf import settings
from django.urls import reverse

from config.access.separation import register_act
from config.breakglass import operations
from config.breakglass.models import BreakGlass
from config.breakglass.operations import OPENED, OVERDUE
from config.due.models import OutboundMessage
from config.due.operations import Outbound, Send, Skip, outbound

register_act("breakglass.open", "Break the glass", OPENED)
register_act("breakglass.review", "Review a break-glass access", "breakglass.reviewed")


def _mail(message: OutboundMessage) -> Send | Skip:
    row = BreakGlass.objects.select_related("person").filter(pk=message.root_id).first()
    if row is None or (message.purpose == OVERDUE and not row.is_finding):
        return Skip("the access was reviewed meanwhile")
    link = settings.BASE_URL + reverse("admin:config_breakglass_change", args=[row.pk])
    if message.purpose == OVERDUE:
        said = f"The review of the break-glass access to {row.record_name} is overdue"
    else:
        said = f"{row.person} has opened {row.record_name} by break-glass"
    return Send(
        subject=said,
        text=(
            f"{said}.\n\nOpened {row.opened_at:%Y-%m-%d %H:%M} UTC, until "
            f"{row.until:%Y-%m-%d %H:%M} UTC. It stays an open finding until compliance has "
            f"reviewed it.\n\n{link}\n"
        ),
    )


outbound(OPENED, Outbound(prepare=_mail, urgent=True))
outbound(OVERDUE, Outbound(prepare=_mail))

__all__ = ["operations"]
