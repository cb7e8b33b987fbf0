"""Contact methods: the verified addresses at which a person is paged."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from config import clock
from config.access.rules import Role, owner
from config.access.visibility import access_for, register_verbs
from config.audit.tracking import Tracked, TrackedQuerySet
from config.due.models import Channel
from config.organisation.models import Membership, User

ADMINISTRATORS = (Role.PLATFORM_ADMINISTRATOR, Role.UNIT_ADMINISTRATOR)


class ContactMethodQuerySet(TrackedQuerySet["ContactMethod"]):
    """Addresses, by owner and by whether they may be used."""

    def visible_to(self, user: "User") -> Self:
        """One's own; administrators see those of the people of their units, to help them."""
        if not user.is_active:
            return self.none()
        reached = access_for(user).holding(ADMINISTRATORS)
        if user.is_superuser or reached.everything:
            return self
        if not reached.teams:
            return self.filter(user=user)
        people = Membership.objects.filter(team__in=reached.teams).values("user")
        return self.filter(Q(user=user) | Q(user__in=people))

    def usable(self) -> Self:
        """Verified and not removed, in the order in which the person wants them tried."""
        rows = self.filter(verified_at__isnull=False, removed_at__isnull=True)
        return rows.order_by("position", "id")


class ContactMethod(Tracked):
    """One address of one person. An unverified one is never paged."""

    user = models.ForeignKey(User, models.PROTECT, related_name="contact_methods")
    channel = models.CharField(max_length=20, choices=Channel.choices, default=Channel.MAIL)
    address = models.CharField(
        max_length=500, help_text="A mail address, or the https:// address of a webhook."
    )
    position = models.PositiveSmallIntegerField(
        default=1, help_text="1 is tried first; the next one follows when it can't be reached."
    )
    code_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = ContactMethodQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["user", "channel", "address"],
                condition=Q(removed_at__isnull=True),
                name="contact_unique",
                violation_error_code="contact_unique",
                violation_error_message="This address is on the list already.",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="contact_channel_known"
            ),
        ]

    def __str__(self) -> str:
        # Without the address: events and the ledger keep this name for ever.
        return f"{self.get_channel_display()} of {self.user}"

    @property
    def is_usable(self) -> bool:
        """Verified and not removed."""
        return self.verified_at is not None and self.removed_at is None


_OWN = owner("user_id", *ADMINISTRATORS)
register_verbs(
    ContactMethod, dict.fromkeys(("edit", "verify", "resend_code", "test", "remove"), _OWN)
)
