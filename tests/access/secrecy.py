"""A secret in the world: restricted incidents, and a row of everything that can hang on them.

One random marker stands in every text of theirs, so that a betrayal is found by looking for it.
"""

import datetime
import secrets
from dataclasses import dataclass
from typing import Any

from django.db import models

from compliance.evidence.models import Export, ExportProgress, ExportState
from compliance.evidence.operations import approve_request, request_audit
from config import clock
from config.access.restricted import restricted, tells_of, tie_of
from config.access.rules import Role
from config.audit.tracking import append
from config.due.models import Attempt, AttemptOutcome, Channel, OutboundMessage, Timer
from config.due.operations import schedule, send_later
from config.due.worker import run_due
from config.events.models import EventDelivery
from config.organisation.models import Team, User
from escalation.runs.models import EscalationRun
from escalation.runs.operations import escalate
from incidents.alerts.models import Alert, IngestSource, RawPayload
from incidents.catalog.models import Service
from incidents.cmdb.operations import propose_update
from incidents.components.models import Component
from incidents.intake.models import Conversion
from incidents.intake.operations import report
from incidents.lifecycle.models import Incident, IncidentLink, LinkKind
from incidents.lifecycle.operations import (
    change_severity,
    claim_time,
    decide_severity,
    declare_provisional,
    edit,
    let_in,
    resolve,
    set_component,
)
from incidents.taxonomy.models import Level
from incidents.timeline.operations import add_note
from postmortems.reviews.models import Review
from postmortems.reviews.operations import edit_review
from tests.access.world import World
from tests.config import make
from tests.escalation import make as make_escalation
from tests.incidents import make as make_incidents
from tests.incidents.alerts import make as make_alerts

HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Secret:
    """What nobody may find who was not let in: one that an alert opened, and one that is over."""

    marker: str
    live: Incident
    over: Incident

    @property
    def incidents(self) -> tuple[Incident, Incident]:
        """Both."""
        return self.live, self.over

    @property
    def words(self) -> tuple[str, ...]:
        """The marker, and the references."""
        return self.marker, *(incident.reference.lower() for incident in self.incidents)

    def told_by(self, text: str) -> list[str]:
        """The words that a text betrays."""
        return [word for word in self.words if word in text.lower()]

    def row_of(self, model: type[models.Model]) -> Any:
        """The newest row of a tied model, or of a table of the platform, that tells of the two."""
        if tie_of(model) is not None:
            return self.rows(model)[-1]
        told = tells_of(model, restricted(Incident))
        return model._default_manager.alias(told=told).filter(told=True).order_by("pk").last()

    def rows(self, model: type[models.Model]) -> list[Any]:
        """Those of a tied model that hang on the two."""
        tie = tie_of(model)
        assert tie is not None
        rows = model._base_manager.all()
        return [row for row in rows if set(tie.records_of(row)) & set(self.incidents)]


def prepare(world: World) -> None:
    """What both worlds have: dave, who is paged and not let in, and nothing left to be done."""
    dave = make.user("dave", name="Dave")
    make.join(world[Team], dave)
    make.role(Role.ENGINEER, to=dave, on=world[Team])
    make_escalation.contact(dave)
    make_escalation.policy([make_escalation.person_tier(dave, wait=600)])
    world.people["dave"] = dave
    make.role(Role.AUDITOR, to=make.user("anna", name="Anna"))
    world.people["anna"] = User.objects.get(username="anna")
    for incident in Incident.objects.filter(is_restricted=True):
        edit(incident, actor=world.people["root"], changes={"is_restricted": False})
    run_due(clock.now())


def make_secret(world: World) -> Secret:
    """bob works on the incidents, and lets in anna, who wants evidence; alice, who commands his
    team, and dave, who is paged, are not let in.
    """
    marker = f"quagga{secrets.token_hex(4)}"
    secret = Secret(marker, _live(world, marker), _over(world, marker))
    for incident in secret.incidents:
        _fill(incident, marker, bob=world.people["bob"], anna=world.people["anna"])
        propose_update(
            incident,
            actor=world.people["bob"],
            kind="retired",
            item=world[Component],
            note=marker,
        )
    _link(secret, world.people["bob"])
    _report_again(secret, world)
    run_due(clock.now())
    _review(secret, world)
    _ask_for_evidence(secret, world)
    _give_up(secret)
    _look(secret, world)
    return secret


def _live(world: World, marker: str) -> Incident:
    """Restricted after an alert has opened it; a second payload brings it together with others."""
    source = world[IngestSource]
    alert = make_alerts.firing(
        marker, title=f"{marker} title", description=marker, level="critical",
        labels={"about": marker}, links=[{"href": f"https://{marker}.example.org/"}],
    )  # fmt: skip
    make_alerts.received(source, alert)
    live = Incident.objects.get(title=f"{marker} title")
    edit(live, actor=world.people["bob"], changes={"is_restricted": True}, reason=marker)
    make_alerts.received(source, [alert, {"dedup_key": marker, "level": marker}])
    escalate(live, actor=world.people["bob"], reason=marker)
    _grade(live, marker, bob=world.people["bob"], root=world.people["root"])
    return live


def _grade(live: Incident, marker: str, *, bob: User, root: User) -> None:
    """Lowered by two people, then provisional; a part of it is down."""
    words = {"reason_code": "misjudged", "justification": marker}
    asked = change_severity(live, actor=bob, to="SEV2", **words)
    decide_severity(live, actor=root, change=asked.pk, approve=True, note=marker)
    declare_provisional(live, actor=root, justification=marker)
    set_component(live, actor=bob, name=marker, state="down")


def _link(secret: Secret, bob: User) -> None:
    """The two hang together; splitting off would open a third secret incident."""
    append(
        IncidentLink(
            incident=secret.live, other=secret.over, kind=LinkKind.SPLIT_OFF, owner=bob,
            reason=secret.marker, linked_by=bob,
        )
    )  # fmt: skip


def _report_again(secret: Secret, world: World) -> None:
    """bob takes in a report that turns out to be about the first of the two."""
    bob = world.people["bob"]
    item = report(
        title=secret.marker, description=secret.marker, actor=bob, service=world[Service],
        duplicate_of=secret.live,
    )  # fmt: skip
    moved = Conversion(
        item=item, incident=secret.live, outcome="duplicate", reason=secret.marker, by=bob
    )
    append(moved)


def _over(world: World, marker: str) -> Incident:
    """Restricted from the first moment on; it owes a review."""
    bob = world.people["bob"]
    with clock.simulated(clock.now() - 3 * HOUR):
        over = make_incidents.incident(
            f"{marker} is over", service=world[Service], actor=bob, level=Level.CRITICAL,
            description=marker, is_restricted=True,
        )  # fmt: skip
    resolve(over, actor=bob, note=marker)
    return over


def _fill(incident: Incident, marker: str, *, bob: User, anna: User) -> None:
    let_in(incident, bob, actor=bob, reason=marker)
    let_in(incident, anna, actor=bob, reason=marker)
    add_note(incident, actor=bob, text=marker)
    edit(incident, actor=bob, changes={"description": f"More on {marker}"}, reason=marker)
    claim_time(
        incident, which="started", at=clock.now() - 4 * HOUR, actor=bob, source=marker,
        reason=marker,
    )  # fmt: skip


def _review(secret: Secret, world: World) -> None:
    review = Review.objects.get(incident=secret.over)
    edit_review(review, actor=world.people["bob"], summary=secret.marker)


def _ask_for_evidence(secret: Secret, world: World) -> None:
    anna, lena = world.people["anna"], world.people["lena"]
    for incident in secret.incidents:
        asked = request_audit(
            title=secret.marker, period_from=clock.now() - HOUR, period_until=clock.now(),
            reason=secret.marker, incident=incident, actor=anna,
        )  # fmt: skip
    approve_request(asked, actor=lena, reason=secret.marker)
    pack = Export(request=asked, ordered_by=anna, state=ExportState.FAILED, error=secret.marker)
    pack.save_as(anna)
    ExportProgress.objects.create(export=pack)


def _give_up(secret: Secret) -> None:
    """A dead letter of each kind."""
    run = EscalationRun.objects.get(incident=secret.live)
    review = Review.objects.get(incident=secret.over)
    about = (secret.live, run, review, Alert.objects.get(incident=secret.live))
    for root in about:
        schedule("secret.kind", root, clock.now() + HOUR, key=f"{secret.marker} {root.pk}")
        send_later("secret", root, channel=Channel.MAIL, address=f"{secret.marker}@example.org")
    dead = {"dead_at": clock.now(), "last_error": secret.marker}
    Timer.objects.filter(key__startswith=secret.marker).update(**dead)
    OutboundMessage.objects.filter(address__startswith=secret.marker).update(**dead)
    names = [incident.reference for incident in secret.incidents]
    EventDelivery.objects.filter(event__subject_name__in=names).update(done_at=None, **dead)
    for message in OutboundMessage.objects.filter(address__startswith=secret.marker):
        Attempt.objects.create(
            message=message, number=1, began_at=clock.now(), ended_at=clock.now(),
            outcome=AttemptOutcome.REFUSED, answer=secret.marker,
        )  # fmt: skip


def _look(secret: Secret, world: World) -> None:
    """Reads that leave a trace, and refusals that do."""
    client, pages = make.api(world.people["bob"]), make.browser(world.people["bob"])
    for incident in secret.incidents:
        client.get(f"/api/v1/incidents/{incident.reference}/")
        refused = client.post(f"/api/v1/incidents/{incident.reference}/cancel/", {"reason": "r"})
        assert refused.status_code in (403, 409)
        pages.post(f"/admin/incidents/incident/{incident.pk}/change/", {"is_restricted": ""})
    client.get("/api/v1/alerts/")
    pages.get("/admin/incidents/incident/")


def unread(world: World, marker: str) -> RawPayload:
    """A payload with the marker that no worker has looked at yet."""
    row: RawPayload = make_alerts.payload(world[IngestSource], make_alerts.firing(marker))
    return row
