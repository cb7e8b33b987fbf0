"""How pages are made, and what follows when one is sent or can't be."""

from config.due.operations import Outbound, outbound
from config.events.models import Event
from config.events.operations import within
from escalation.paging import rules
from escalation.paging.operations import PURPOSE, answer_pages, undeliverable
from escalation.paging.telling import delivered, delivered_together, prepare
from incidents.lifecycle.models import Incident

outbound(
    PURPOSE,
    Outbound(
        prepare=prepare,
        sent=delivered,
        sent_many=delivered_together,
        failed=undeliverable,
        retries=rules.RETRIES,
        urgent=True,
    ),
)


@within("incident.acknowledged")
def close_pages(event: Event) -> None:
    """In the acknowledgement's own transaction: what waits is not sent any more."""
    answer_pages(event.about(Incident), by=event.actor)
