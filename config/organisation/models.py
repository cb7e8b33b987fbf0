"""Who there is: people and service accounts, business units, teams, API tokens."""

import datetime
import hashlib
import secrets
from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower

from config import clock
from config.audit.tracking import Tracked, TrackedQuerySet
from config.organisation import rules

SYSTEM_USERNAME = "watchbill"
KEY_VALIDATOR = RegexValidator(
    r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
    "Use lower-case letters, digits and single hyphens, such as 'payments-api'.",
)
# The levels of access that a role can give on a container; `config.access` gives them meaning.
CONTAINER_PERMISSIONS: list[tuple[str, Any]] = [
    ("view_records", "Can see the records of it"),
    ("respond_records", "Can work on the records of it"),
    ("command_records", "Can command the incidents of it"),
    ("manage_records", "Can manage its configuration"),
    ("audit_records", "Can audit the records of it"),
]


class UserKind(models.TextChoices):
    """Only a person acknowledges, approves or decides; the others act for tools and the system."""

    PERSON = "person", "Person"
    SERVICE_ACCOUNT = "service_account", "Service account"
    SYSTEM = "system", "System"


type Door = Callable[[Any], models.Q]
_doors: dict[str, Door] = {}


def door(model_name: str) -> Callable[[Door], Door]:
    """`config.access` says who sees the rows of a model of this room: rights are known there."""

    def register(rule: Door) -> Door:
        _doors[model_name] = rule
        return rule

    return register


class DirectoryQuerySet[M: models.Model](TrackedQuerySet[M]):
    """Rows of this room, behind the doors that `config.access` gives them."""

    def visible_to(self, user: Any) -> Self:
        """The only door; closed where nothing has been registered."""
        rule = _doors.get(self.model.__name__)
        return self.filter(rule(user)) if rule else self.none()


class UserQuerySet(DirectoryQuerySet["User"]):
    """Everybody, by kind."""

    def people(self) -> Self:
        """Those who can be paged, approve and acknowledge."""
        return self.filter(kind=UserKind.PERSON, is_active=True)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]  # a dynamic base, as Django documents it
    """Adds look-ups that authentication and the platform need."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """User names are one name in any case."""
        user: User = self.get(username__iexact=username)
        return user

    def system(self) -> "User":
        """The actor of everything that nobody did: timers, jobs, migrations."""
        user: User = self.get(username=SYSTEM_USERNAME)
        return user

    def create_superuser(
        self, username: str, email: str = "", password: str | None = None, **fields: Any
    ) -> "User":
        """For `manage.py createsuperuser`: the first person of a new installation."""
        user = User(
            username=username,
            email=self.normalize_email(email),
            is_staff=True,
            is_superuser=True,
            **fields,
        )
        user.set_password(password)
        with transaction.atomic(using=self.db):
            return user.save_as(self.system(), reason="made by createsuperuser")


class User(AbstractBaseUser, PermissionsMixin, Tracked):
    """Somebody, or something, that acts. Never deleted: deactivated.

    Sign-ins are events, so there is no `last_login` column to update past the history.
    """

    history_excluded: ClassVar[tuple[str, ...]] = ("password",)
    last_login: Any = None

    username = models.CharField(
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text="Up to 150 letters, digits and @ . + - _",
    )
    email = models.EmailField(blank=True)
    name = models.CharField("display name", max_length=150)
    kind = models.CharField(max_length=20, choices=UserKind.choices, default=UserKind.PERSON)
    time_zone = models.CharField(
        max_length=64, default="UTC", validators=[rules.validate_time_zone]
    )
    is_staff = models.BooleanField("may sign in to the admin", default=False)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email", "name"]

    objects: ClassVar = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique",
                violation_error_code="user_username_unique",
                violation_error_message="This user name is taken; user names ignore case.",
            ),
            models.UniqueConstraint(
                Lower("email"),
                condition=~models.Q(email=""),
                name="user_email_unique",
                violation_error_code="user_email_unique",
                violation_error_message="Another user has this mail address.",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=UserKind.values), name="user_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def check_password(self, raw_password: str | None) -> bool:
        """Compare; a hash of an older strength is renewed by a tracked save, as the user."""

        def renew(raw: str) -> None:
            self.set_password(raw)
            with transaction.atomic():
                self.save_as(self, "password", reason="password hash renewed")

        return check_password(raw_password, self.password, renew)

    @property
    def is_person(self) -> bool:
        """True for somebody who can decide and acknowledge."""
        return self.kind == UserKind.PERSON

    def get_full_name(self) -> str:
        """The name to show."""
        return str(self)

    def get_short_name(self) -> str:
        """The first word of the name."""
        return str(self).split(" ")[0]


class BusinessUnit(Tracked):
    """A part of the company with rules and rights of its own. The root is the enterprise."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    time_zone = models.CharField(
        max_length=64, default="UTC", validators=[rules.validate_time_zone]
    )

    objects: ClassVar = DirectoryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = CONTAINER_PERMISSIONS
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="unit_key_unique",
                violation_error_code="unit_key_unique",
                violation_error_message="A business unit with this key exists.",
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(parent__isnull=True),
                name="unit_one_root",
                violation_error_code="unit_one_root",
                violation_error_message="There is one enterprise; choose a parent unit.",
            ),
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")),
                name="unit_not_its_parent",
                violation_error_code="unit_not_its_parent",
                violation_error_message="A unit can't be its own parent.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Team(Tracked):
    """People who own services and are on call for them."""

    key = models.SlugField(max_length=60, validators=[KEY_VALIDATOR])
    name = models.CharField(max_length=120)
    unit = models.ForeignKey(BusinessUnit, models.PROTECT, related_name="teams")
    description = models.TextField(blank=True)
    domain = models.CharField(
        max_length=20,
        choices=rules.Domain.choices,
        blank=True,
        db_default="",
        help_text="What kind of component it answers for, by the ownership boundaries.",
    )
    region = models.CharField(
        max_length=40, blank=True, db_default="", help_text="Where it works, such as 'eu'."
    )
    is_active = models.BooleanField("active", default=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects: ClassVar = DirectoryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = CONTAINER_PERMISSIONS
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="team_key_unique",
                violation_error_code="team_key_unique",
                violation_error_message="A team with this key exists.",
            ),
            models.CheckConstraint(
                condition=models.Q(domain__in=["", *rules.Domain.values]),
                name="team_domain_known",
                violation_error_code="team_domain_known",
                violation_error_message="Choose one of the domains, or none.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(Tracked):
    """One person in one team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    is_lead = models.BooleanField("team lead", default=False)

    objects: ClassVar = DirectoryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["team", "user"],
                name="membership_unique",
                violation_error_code="membership_unique",
                violation_error_message="This person is in the team already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


TOKEN_PREFIX = "wb_pat_"  # noqa: S105  # the public prefix by which secret scanners know our tokens


class Scope(models.TextChoices):
    """What a token may be used for; its owner's rights bound it as well."""

    INCIDENT_READ = "incident:read", "Read incidents and configuration"
    INCIDENT_WRITE = "incident:write", "Work on incidents"
    ALERT_INGEST = "alert:ingest", "Send alerts"
    ONCALL_READ = "oncall:read", "Read schedules"
    ONCALL_WRITE = "oncall:write", "Change schedules"
    REPORT_EXPORT = "report:export", "Export reports and evidence"
    ADMIN = "admin", "Everything that the owner may do"


class ApiTokenQuerySet(DirectoryQuerySet["ApiToken"]):
    """Tokens, by what they are good for."""

    def usable(self, at: datetime.datetime) -> Self:
        """Neither revoked nor expired at that instant, of an owner who is active."""
        alive = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=at)
        return self.filter(alive, revoked_at__isnull=True, owner__is_active=True)


class ApiToken(Tracked):
    """A key to the API, owned by a person or a service account; only its hash is kept."""

    owner = models.ForeignKey(User, models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=16, editable=False, help_text="How the token begins.")
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope.choices), default=list)
    networks = ArrayField(
        models.CharField(max_length=50, validators=[rules.validate_network]),
        default=list,
        blank=True,
        help_text="Networks in CIDR form from which it may be used; empty for any.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        verbose_name_plural = "API tokens"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["digest"], name="token_digest_unique")]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @staticmethod
    def new_secret() -> str:
        """A fresh token, to be shown once."""
        return TOKEN_PREFIX + secrets.token_urlsafe(32)

    @staticmethod
    def digest_of(secret: str) -> str:
        """SHA-256 in hex: the secret has 256 random bits, so a slow hash adds nothing."""
        return hashlib.sha256(secret.encode()).hexdigest()


class ApiTokenUse(models.Model):
    """When a token was last used, to the minute: too busy a fact for a history."""

    token = models.OneToOneField(ApiToken, models.CASCADE, primary_key=True, related_name="use")
    last_used_at = models.DateTimeField()
    last_address = models.GenericIPAddressField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"last used {self.last_used_at:%Y-%m-%d %H:%M}"
