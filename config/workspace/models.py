"""Saved views of lists, owned by a person and sometimes shared with a team; preferences."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from config import clock
from config.access.rules import Level, Need
from config.access.visibility import access_for, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation.models import Membership, Team, User
from config.workspace.rules import LONGEST_NAME, LONGEST_QUERY


class SavedViewQuerySet(TrackedQuerySet["SavedView"]):
    """Views, by who may read them and by whom they are for."""

    def visible_to(self, user: Any) -> Self:
        """One's own, and those shared with a team whose records one may see."""
        access = access_for(user)
        reached = access.containers(Level.VIEW)
        if user.is_authenticated and user.is_active and user.is_superuser:
            return self.all()
        if not user.is_authenticated or not user.is_active:
            return self.none()
        shared = Q(team__isnull=False) if reached.everything else Q(team__in=reached.teams)
        return self.filter(Q(owner_id=user.pk) | shared | Q(team__in=_teams_of(user)))

    def at_hand_of(self, user: User) -> Self:
        """One's own, and those of the teams that one works in: what the sidebar offers."""
        return self.filter(Q(owner_id=user.pk) | Q(team__in=_teams_of(user)))


def _teams_of(user: Any) -> models.QuerySet[Membership, int]:
    return Membership.objects.filter(user_id=user.pk).values_list("team_id", flat=True)


class SavedView(Tracked):
    """Filters, words and order of one list, under a name.

    It keeps no rows: whoever opens it sees those of its rows that they may see.
    """

    owner = models.ForeignKey(User, models.PROTECT, related_name="saved_views", editable=False)
    team = models.ForeignKey(
        Team,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="saved_views",
        help_text="Its members see the view too. Empty: only you do.",
    )
    model = models.CharField("list", max_length=80, editable=False)
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(
        "filters",
        max_length=LONGEST_QUERY,
        blank=True,
        help_text="What stands after the question mark of the list's address.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = SavedViewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "model", "name"],
                name="view_name_once",
                violation_error_code="view_name_once",
                violation_error_message="You have a view of this name on this list already.",
            ),
            models.CheckConstraint(
                condition=~Q(name=""),
                name="view_has_name",
                violation_error_code="view_has_name",
                violation_error_message="Give the view a name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Under which it is pinned, unpinned and counted."""
        return f"view/{self.pk}"

    def is_at_hand_of(self, user: User) -> bool:
        """Whether the user's sidebar can show it."""
        if user.is_superuser or self.owner_id == user.pk:
            return True
        return self.team is not None and self.team.memberships.filter(user=user).exists()


class Preferences(Tracked):
    """How one person likes to work. Who has no row has the defaults."""

    user = models.OneToOneField(User, models.PROTECT, related_name="preferences")
    list_keys = models.BooleanField("single-key shortcuts", default=True)
    unpinned = ArrayField(models.CharField(max_length=120), default=list, blank=True)

    class Meta:
        default_permissions = ()
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"

    @classmethod
    def of(cls, user: User) -> "Preferences":
        """Those of the person, stored or not."""
        found: Preferences | None = cls.objects.filter(user_id=user.pk).first()
        return found or cls(user=user)


# Its owner, or whoever commands the team that it is shared with.
_OWN = Need(level=Level.COMMAND, owner="owner_id")
register_verbs(SavedView, {"edit": _OWN, "remove": _OWN})
