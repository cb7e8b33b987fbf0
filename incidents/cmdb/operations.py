"""Proposing corrections of the catalogue out of an incident, and deciding them."""

from collections.abc import Callable, Mapping

from django.db import transaction

from config import clock
from config.audit.tracking import lock
from config.errors import FourEyes, Invalid, Refused
from config.events.operations import record
from config.organisation.models import Team, User
from incidents.catalog.models import Service, ServiceStatus
from incidents.catalog.operations import edit_service
from incidents.cmdb.models import UpdateProposal
from incidents.cmdb.rules import ProposalState, UpdateKind
from incidents.components.models import Component, ComponentStatus, Item
from incidents.components.operations import add_dependency, edit_component
from incidents.lifecycle.models import Incident


@transaction.atomic
def propose_update(
    incident: Incident,
    *,
    actor: User,
    kind: str,
    item: Item,
    note: str,
    target: Item | None = None,
    strength: str = "",
    new_team: Team | None = None,
) -> UpdateProposal:
    """Propose to the owner of the item what the incident has shown.

    Raises `ValidationError` for what the kind needs and is missing.
    """
    lock(incident)
    if not note.strip():
        raise Invalid("Say what showed it.", field="note")
    made = UpdateProposal(
        incident=incident,
        kind=kind,
        team=item.team,
        strength=strength,
        new_team=new_team,
        note=note.strip(),
        proposed_by=actor,
        **_named("item", item),
        **(_named("target", target) if target is not None else {}),
    )
    made.full_clean()
    made.save_as(actor)
    record("cmdb.proposed", made, actor=actor, update=kind, item=item.key)
    return made


@transaction.atomic
def accept(proposal: UpdateProposal, *, actor: User, note: str = "") -> UpdateProposal:
    """Do what it says, in the owner's name; never by who proposed it.

    The history of what changes names the incident. Raises `FourEyes`, `Refused`, and whatever
    the change itself is refused for.
    """
    _decide(proposal, actor, ProposalState.ACCEPTED, note)
    _DOES[proposal.kind](proposal, actor, _reason(proposal))
    record("cmdb.accepted", proposal, actor=actor, reason=note, item=proposal.item.key)
    return proposal


@transaction.atomic
def reject(proposal: UpdateProposal, *, actor: User, note: str = "") -> UpdateProposal:
    """Leave the catalogue as it is, and say why. One may take back one's own this way."""
    if not note.strip():
        raise Invalid("Say why the catalogue stays as it is.", field="note")
    _decide(proposal, actor, ProposalState.REJECTED, note)
    record("cmdb.rejected", proposal, actor=actor, reason=note, item=proposal.item.key)
    return proposal


def _decide(proposal: UpdateProposal, actor: User, state: str, note: str) -> None:
    lock(proposal)
    if proposal.state != ProposalState.OPEN:
        raise Refused("This proposal was decided already.", code="proposal_decided")
    if state == ProposalState.ACCEPTED and actor.pk == proposal.proposed_by_id:
        raise FourEyes(
            "Nobody accepts a proposal of their own; let another owner decide.",
            code="proposal_own",
            audit=True,
        )
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor, clock.now()
    proposal.decision_note = note.strip()
    fields = ("state", "decided_by", "decided_at", "decision_note")
    proposal.save_as(actor, *fields, reason=note)


def _reason(proposal: UpdateProposal) -> str:
    """What the history says. A restricted incident isn't named where others read."""
    incident = proposal.incident
    source = "an incident" if incident.is_restricted else incident.reference
    return f"Learnt in {source} (proposal {proposal.pk})"


def _depend(proposal: UpdateProposal, actor: User, reason: str) -> None:
    assert proposal.target is not None  # noqa: S101  # a constraint says so
    add_dependency(
        proposal.item,
        proposal.target,
        actor=actor,
        strength=proposal.strength,
        reason=reason,
    )


def _hand_over(proposal: UpdateProposal, actor: User, reason: str) -> None:
    changes = {"team": proposal.new_team}
    _edit(proposal.item, actor, changes, reason)


def _retire(proposal: UpdateProposal, actor: User, reason: str) -> None:
    is_service = isinstance(proposal.item, Service)
    retired = ServiceStatus.RETIRED if is_service else ComponentStatus.RETIRED
    _edit(proposal.item, actor, {"status": retired}, reason)


def _edit(item: Item, actor: User, changes: Mapping[str, object], reason: str) -> None:
    if isinstance(item, Component):
        edit_component(item, actor=actor, changes=changes, reason=reason)
    else:
        edit_service(item, actor=actor, changes=changes, reason=reason)


_DOES: Mapping[str, Callable[[UpdateProposal, User, str], None]] = {
    UpdateKind.NEW_DEPENDENCY: _depend,
    UpdateKind.WRONG_OWNER: _hand_over,
    UpdateKind.RETIRED: _retire,
}


def _named(end: str, item: Item) -> dict[str, Item]:
    return {f"{end}_{'service' if isinstance(item, Service) else 'component'}": item}
