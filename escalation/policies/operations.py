"""Which policy an incident escalates by, whom a tier means, and what a policy would do."""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from config.access.models import RoleAssignment
from config.access.visibility import Access
from config.audit.tracking import lock
from config.errors import Blocker, Invalid
from config.events.operations import record
from config.governance.in_force import active, setting
from config.governance.models import Policy
from config.organisation.models import BusinessUnit, Membership, Team, User
from escalation.policies.models import (
    EXPERTISE,
    FALLBACK,
    EscalationPolicyVersion,
    PolicyUse,
    Target,
    Tier,
)
from escalation.rota.operations import on_call, on_call_of_team, on_call_of_teams
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident

KIND = "escalation_policy"
DEFAULT_KEY = "default"


@dataclass(frozen=True)
class Situation:
    """What deciding whom to page depends on: keys, since most decisions need no more."""

    team_id: int
    service_id: int | None
    unit_id: int
    severity: str

    @classmethod
    def of(cls, incident: Incident) -> "Situation":
        """The incident's own."""
        return cls(incident.team_id, incident.service_id, incident.unit_id, incident.severity)

    @classmethod
    def at(cls, service: Service, severity: str) -> "Situation":
        """That of an incident of the service."""
        return cls(service.team_id, service.pk, service.team.unit_id, severity)

    def unit(self) -> BusinessUnit:
        """The unit by its key: what holds for it is found by no more."""
        return BusinessUnit(pk=self.unit_id)


def policy_for(
    situation: Situation, at: datetime.datetime | None = None, *, severity_policy: str = ""
) -> EscalationPolicyVersion | None:
    """The version in force of the service's policy, else its team's, else the default one.

    `severity_policy`, the key of the one that the severity matrix names, comes before them all.
    A policy of which no version is in force is passed over: better the default than nobody.
    """
    wanted = Q(team=situation.team_id)
    if situation.service_id is not None:
        wanted |= Q(service=situation.service_id)
    uses = PolicyUse.objects.filter(wanted).select_related("policy")
    chosen = sorted(uses, key=lambda use: use.service_id is None)
    unit = situation.unit()
    named = [severity_policy] if severity_policy else []
    for key in (*named, *(use.policy.key for use in chosen), DEFAULT_KEY):
        version = active(KIND, key, unit=unit, at=at)
        if isinstance(version, EscalationPolicyVersion):
            return version
    return None


def targets_of(tier: Tier, situation: Situation, at: datetime.datetime) -> list[User]:
    """The people whom the tier means at that instant: active ones, without repeats."""
    return _pageable(_RESOLVE[Target(tier.target)](tier, situation, at))


def targets_of_each(
    asked: Sequence[tuple[Tier, Situation, datetime.datetime]],
) -> list[list[User]]:
    """The same for many at once, each at its instant; what teams say is read for all together."""
    led = {each.team_id for tier, each, _ in asked if tier.target == Target.TEAM_LEADS}
    on_call: dict[datetime.datetime, set[int]] = defaultdict(set)
    for tier, situation, at in asked:
        if tier.target == Target.TEAM_ON_CALL:
            on_call[at].add(situation.team_id)
    leads = _leads_of_teams(led)
    duty = {at: on_call_of_teams(teams, at) for at, teams in on_call.items()}
    found = []
    for tier, situation, at in asked:
        if tier.target == Target.TEAM_LEADS:
            found.append(_pageable(leads[situation.team_id]))
        elif tier.target == Target.TEAM_ON_CALL:
            found.append(_pageable(duty[at][situation.team_id]))
        else:
            found.append(targets_of(tier, situation, at))
    return found


def _pageable(users: Iterable[User]) -> list[User]:
    return list(dict.fromkeys(user for user in users if user.is_active and user.is_person))


def _team_on_call(tier: Tier, situation: Situation, at: datetime.datetime) -> list[User]:
    return on_call_of_team(situation.team_id, at)


def _team_leads(tier: Tier, situation: Situation, at: datetime.datetime) -> list[User]:
    return _leads_of_teams({situation.team_id})[situation.team_id]


def _leads_of_teams(team_ids: Collection[int]) -> dict[int, list[User]]:
    found: dict[int, list[User]] = {team_id: [] for team_id in team_ids}
    if found:
        leads = Membership.objects.filter(team__in=found, is_lead=True).select_related("user")
        for each in leads.order_by("user_id"):
            found[each.team_id].append(each.user)
    return found


def _schedule(tier: Tier, situation: Situation, at: datetime.datetime) -> list[User]:
    user = on_call(tier.schedule, at) if tier.schedule else None
    return [user] if user else []


def _person(tier: Tier, situation: Situation, at: datetime.datetime) -> list[User]:
    return [tier.person] if tier.person else []


def _role(tier: Tier, situation: Situation, at: datetime.datetime) -> list[User]:
    """Holders of the role whose container reaches the incident's team; people, then teams."""
    held = RoleAssignment.objects.in_force().filter(role__name=tier.role)
    people = User.objects.people().filter(role_assignments__in=held)
    members = User.objects.people().filter(memberships__team__role_assignments__in=held)
    candidates = (people | members).distinct().order_by("pk")
    team = Team.objects.get(pk=situation.team_id)
    return [user for user in candidates if Access(user).holding([tier.role]).reaches(team)]


_RESOLVE = {
    Target.TEAM_ON_CALL: _team_on_call,
    Target.TEAM_LEADS: _team_leads,
    Target.SCHEDULE: _schedule,
    Target.PERSON: _person,
    Target.ROLE: _role,
}


def wait_of(
    tier: Tier, situation: Situation, at: datetime.datetime | None = None
) -> datetime.timedelta:
    """How long the tier has to acknowledge: its own time, else the severity's target `at` a time.

    A running escalation passes its start: it keeps the targets that held then.
    """
    if tier.wait_minutes is not None:
        return datetime.timedelta(minutes=tier.wait_minutes)
    targets = setting("ack.target_minutes", unit=situation.unit(), at=at)
    return datetime.timedelta(minutes=targets[situation.severity])


@dataclass(frozen=True)
class Simulated:
    """A line of a simulation: who would be paged, when, by what."""

    at: datetime.datetime
    tier: int
    round: int
    person: User | None
    channels: list[str]


def simulate(
    version: EscalationPolicyVersion, situation: Situation, at: datetime.datetime
) -> list[Simulated]:
    """Who would be paged at which minute and by which channel, sending nothing.

    A tier that nobody answers to is shown without a person: it is skipped at once.
    """
    lines: list[Simulated] = []
    moment = at
    for round_number in range(1, version.rounds + 1):
        for tier in version.tiers.select_related("schedule", "person"):
            people = targets_of(tier, situation, moment)
            for person in people:
                channels = [method.channel for method in person.contact_methods.usable()]
                lines.append(Simulated(moment, tier.position, round_number, person, channels))
            if people:
                moment += wait_of(tier, situation, at)
            else:
                lines.append(Simulated(moment, tier.position, round_number, None, []))
    return lines


def activation_blockers(version: EscalationPolicyVersion) -> list[Blocker]:
    """A policy needs expertise in one tier and a guaranteed fallback in the last (ESC-04)."""
    tiers = list(version.tiers.all())
    if not tiers:
        return [Blocker("escalation_no_tiers", "Add at least one tier.")]
    found = []
    if not any(tier.target in EXPERTISE for tier in tiers):
        text = "One tier at least needs expertise: a schedule, a team's on-call or a person."
        found.append(Blocker("escalation_no_expertise", text))
    if tiers[-1].target not in FALLBACK:
        text = "The last tier must be a guaranteed fallback: a person or the holders of a role."
        found.append(Blocker("escalation_no_fallback", text))
    gone = [str(tier.person) for tier in tiers if tier.person and not tier.person.is_active]
    if gone:
        text = f"Name somebody else: {', '.join(gone)} can't sign in any more."
        found.append(Blocker("escalation_person_gone", text))
    return found


def retirement_blockers(version: EscalationPolicyVersion) -> list[Blocker]:
    """Nothing that still escalates by it loses its policy without a word."""
    policy = version.policy
    if policy.key == DEFAULT_KEY and policy.unit_id is None:
        text = (
            "Everything without a policy of its own escalates by this one; activate a new version."
        )
        return [Blocker("escalation_default_needed", text)]
    uses = PolicyUse.objects.filter(policy=policy).select_related("service", "team")
    names = [str(use.service or use.team) for use in uses]
    if not names:
        return []
    text = f"Choose another policy first for: {', '.join(names)}."
    return [Blocker("escalation_policy_in_use", text)]


@transaction.atomic
def use_policy(
    policy: Policy,
    *,
    actor: User,
    service: Service | None = None,
    team: Team | None = None,
    reason: str = "",
) -> PolicyUse:
    """Escalate a service, or all services of a team, by this policy from the next incident on."""
    if policy.kind != KIND:
        raise Invalid("This is no escalation policy.", field="policy")
    container = service or team
    if container is None or (service and team):
        raise Invalid("Name a service or a team.", field="service")
    lock(container)
    use = PolicyUse.objects.filter(service=service, team=team).first() or PolicyUse(
        service=service, team=team, policy=policy
    )
    use.policy = policy
    use.full_clean()
    use.save_as(actor, reason=reason)
    record(
        "escalation_policy.used",
        policy,
        actor=actor,
        reason=reason,
        service_id=use.service_id,
        team_id=use.team_id,
    )
    return use
