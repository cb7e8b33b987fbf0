"""Proposals to correct the catalogue."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from config import clock
from config.access.restricted import hangs_on
from config.access.visibility import register_verbs, visible_records
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.cmdb.rules import INCIDENT_NEEDS, NEEDS, ProposalState, UpdateKind
from incidents.components.models import Component, Item
from incidents.components.rules import Strength
from incidents.lifecycle.models import Incident


class ProposalQuerySet(TrackedQuerySet["UpdateProposal"]):
    """Proposals, by what one may see."""

    def visible_to(self, user: User) -> Self:
        """Those about items of teams that the user sees, and one's own."""
        return self.filter(visible_records(user, self.model, service=None))

    def undecided(self) -> Self:
        """Those that wait for the item's owner."""
        return self.filter(state=ProposalState.OPEN)


def _item(model: type[models.Model]) -> "models.ForeignKey[Item | None, Item | None]":
    return models.ForeignKey(model, models.PROTECT, null=True, blank=True, related_name="+")


class UpdateProposal(Tracked):
    """What an incident taught about an item, for the item's owner to decide."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="update_proposals")
    kind = models.CharField(max_length=20, choices=UpdateKind.choices)
    item_service = _item(Service)
    item_component = _item(Component)
    team = models.ForeignKey(
        Team, models.PROTECT, related_name="+", editable=False, verbose_name="decided by"
    )
    target_service = _item(Service)
    target_component = _item(Component)
    strength = models.CharField(max_length=10, choices=Strength.choices, blank=True)
    new_team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="right owner"
    )
    note = models.TextField(help_text="What showed it.")
    state = models.CharField(
        max_length=10,
        choices=ProposalState.choices,
        default=ProposalState.OPEN,
        editable=False,
    )
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    proposed_at = models.DateTimeField(default=clock.now, editable=False)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", editable=False
    )
    decided_at = models.DateTimeField(null=True, editable=False)
    decision_note = models.TextField(blank=True, editable=False)

    objects: ClassVar = ProposalQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(item_service__isnull=False, item_component__isnull=True)
                | Q(item_service__isnull=True, item_component__isnull=False),
                name="proposal_one_item",
                violation_error_code="proposal_one_item",
                violation_error_message="Name one item: a service or a component.",
            ),
            models.CheckConstraint(
                condition=~Q(kind=UpdateKind.NEW_DEPENDENCY)
                | (
                    Q(target_service__isnull=False, target_component__isnull=True)
                    | Q(target_service__isnull=True, target_component__isnull=False)
                )
                & Q(strength__in=Strength.values),
                name="proposal_names_dependency",
                violation_error_code="proposal_names_dependency",
                violation_error_message="Name what it needs, one of both, and how strongly.",
            ),
            models.CheckConstraint(
                condition=~Q(kind=UpdateKind.WRONG_OWNER) | Q(new_team__isnull=False),
                name="proposal_names_owner",
                violation_error_code="proposal_names_owner",
                violation_error_message="Name the team that owns it.",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | ~Q(state=ProposalState.ACCEPTED)
                | ~Q(decided_by=F("proposed_by")),
                name="proposal_four_eyes",
                violation_error_code="proposal_own",
                violation_error_message="Nobody accepts a proposal of their own.",
            ),
            models.CheckConstraint(
                condition=Q(state=ProposalState.OPEN, decided_by__isnull=True)
                | Q(state__in=[ProposalState.ACCEPTED, ProposalState.REJECTED])
                & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="proposal_decision_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.item}"

    @property
    def item(self) -> Item:
        """What it is about; for a missing dependency, the dependant."""
        found: Item = self.item_service or self.item_component
        return found

    @property
    def target(self) -> Item | None:
        """What a missing dependency leads to."""
        found: Item | None = self.target_service or self.target_component
        return found


hangs_on(UpdateProposal, Incident, "incident", inherits=False, owner="proposed_by")
register_verbs(UpdateProposal, NEEDS)
register_verbs(Incident, INCIDENT_NEEDS)
