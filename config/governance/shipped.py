"""The settings of requirements 4.2 that the product reads today, with their defaults."""

from config.access.rules import Role
from config.governance.registry import (
    BySeverity,
    Integer,
    ListOf,
    Setting,
    Tighter,
    UnitMay,
    register,
    severities,
)

_MONTH_IN_MINUTES = 31 * 24 * 60


def _minutes(least: int = 1, most: int = _MONTH_IN_MINUTES) -> Integer:
    return Integer(least, most, "minutes")


register(
    Setting(
        key="ack.target_minutes",
        title="Time to acknowledge",
        type=BySeverity(_minutes()),
        default={"SEV1": 5, "SEV2": 10, "SEV3": 30, "SEV4": 240},
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="How long a page may wait for an acknowledgement before the next tier is paged.",
    )
)
register(
    Setting(
        key="ack.followup_minutes",
        title="Time to the first action after acknowledging",
        type=BySeverity(_minutes()),
        default={"SEV1": 15, "SEV2": 30, "SEV3": 60, "SEV4": 60},
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="After an acknowledgement something must happen within this time.",
    )
)
register(
    Setting(
        key="alerts.resolve_hold_seconds",
        title="Hold before an alert counts as resolved",
        type=Integer(0, 3600, "seconds"),
        default=120,
        help="An alert that fires again within the hold is a flap of the same alert.",
    )
)
register(
    Setting(
        key="alerts.auto_resolve",
        title="Severities that resolve by themselves",
        type=severities(),
        default=["SEV3", "SEV4"],
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.FEWER,
        help="Once their alerts have resolved; the others go to monitoring for a person.",
    )
)
register(
    Setting(
        key="alerts.dedup_minutes",
        title="Window for duplicate alerts",
        type=_minutes(0, 24 * 60),
        default=15,
        help="Alerts without a key of their own are one alert when they repeat within it.",
    )
)
register(
    Setting(
        key="alerts.inbox_retention_days",
        title="Keep raw alerts",
        type=Integer(1, 3650, "days"),
        default=90,
        unit_may=UnitMay.LOCKED,
        help="After this the raw bodies that tools sent are removed.",
    )
)
register(
    Setting(
        key="ingest.rate_per_minute",
        title="Requests a source may send",
        type=Integer(1, 1_000_000, "a minute"),
        default=6000,
        unit_may=UnitMay.LOCKED,
        help="Above this rate a source is asked to wait.",
    )
)
register(
    Setting(
        key="lifecycle.reopen_days",
        title="Time in which an incident can be reopened",
        type=Integer(0, 365, "days"),
        default=7,
        help="Counted from the resolution; later it is a new incident that refers to the old one.",
    )
)
register(
    Setting(
        key="severity.provisional_minutes",
        title="Time to decide a provisional SEV1",
        type=_minutes(5, 24 * 60),
        default=60,
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="Then it must be confirmed or lowered; the duty manager extends it once by as much.",
    )
)
register(
    Setting(
        key="severity.provisional_roles",
        title="Who may declare a provisional SEV1",
        type=ListOf(tuple(Role.values)),
        default=[Role.INCIDENT_COMMANDER, Role.SERVICE_OWNER, Role.DUTY_MANAGER],
        help="Roles with the authority to call a SEV1 while nobody knows the impact yet.",
        origin="E1.5; roles assumed",
    )
)
register(
    Setting(
        key="intake.baseline_tolerance_percent",
        title="Slowdown that the baseline tolerates",
        type=Integer(0, 1000, "%"),
        default=20,
        help="A report of a service that is slower by no more than this is routine operation.",
    )
)
register(
    Setting(
        key="intake.max_open_fields",
        title="Fields that may be mandatory at the opening",
        type=Integer(1, 30, "fields"),
        default=7,
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="Intake stays fast: an intake template that demands more can't be activated.",
    )
)
register(
    Setting(
        key="postmortem.mandatory_severities",
        title="Severities that need a review",
        type=severities(),
        default=["SEV1", "SEV2"],
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.MORE,
        help="Incidents of these severities close only with a post-incident review.",
        origin="A8.1, E7.1",
    )
)
register(
    Setting(
        key="postmortem.due_hours",
        title="Time to finish a review",
        type=BySeverity(Integer(1, 24 * 90, "hours")),
        default={"SEV1": 48, "SEV2": 72, "SEV3": 72, "SEV4": 72},
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="Clock time from the resolution.",
        origin="A8.1, C4.1, E7.1",
    )
)
register(
    Setting(
        key="notify.sev1_min_channels",
        title="Channels for a SEV1 page",
        type=Integer(1, 5, "channels"),
        default=2,
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.HIGHER,
        help="A SEV1 page leaves on at least so many channels at once.",
    )
)
register(
    Setting(
        key="escalation.max_deferral_minutes",
        title="Longest deferral of an escalation",
        type=_minutes(0, 24 * 60),
        default=30,
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="Nobody can put an escalation off for longer.",
    )
)
register(
    Setting(
        key="access.breakglass_minutes",
        title="Length of a break-glass access",
        type=_minutes(5, 24 * 60),
        default=60,
        unit_may=UnitMay.TIGHTEN,
        tighter=Tighter.LOWER,
        help="Emergency access ends by itself after this time.",
    )
)
