"""Activities, letters and parties of the matrix, and what any version of it must hold. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import TextChoices

from config.access.rules import Level, Need, Role, level
from config.apikit.codes import explain
from config.errors import Blocker

FUNCTION_NEEDS: Mapping[str, Need] = {"view": level(Level.VIEW), "edit": level(Level.MANAGE)}
UNIT_NEEDS: Mapping[str, Need] = {"assign_function": level(Level.MANAGE)}


class Activity(TextChoices):
    """What has to be done in an incident."""

    TRIAGE = "triage", "Triage"
    COMMAND = "command", "Command"
    DIAGNOSE = "diagnose", "Diagnose"
    RESTORE = "restore", "Restore"
    COMMUNICATE = "communicate", "Communicate"
    APPROVE_CHANGE = "approve_change", "Approve emergency changes"
    REPORT = "report", "Report to authorities"
    REVIEW = "review", "Review"


class Letter(TextChoices):
    """What a party has to do with an activity."""

    RESPONSIBLE = "R", "Responsible"
    ACCOUNTABLE = "A", "Accountable"
    CONSULTED = "C", "Consulted"
    INFORMED = "I", "Informed"


class Party(TextChoices):
    """Who a row means, resolved for each incident."""

    SERVICE_TEAM = "service_team", "The team of the service"
    ROLE = "role", "The holders of a role"
    TEAM = "team", "A team"


class Function(TextChoices):
    """What a team holds in the tools, for its unit."""

    ALERT_TRIAGE = "alert_triage", "Alert triage"
    STATUS_PAGE = "status_page", "Publishing on the status page"
    PAGING = "paging", "Paging"
    CHAT_ROOMS = "chat_rooms", "Administration of chat rooms"


type Cell = tuple[str, str]  # activity, letter


def problems_of(cells: Iterable[Cell]) -> list[Blocker]:
    """What keeps a matrix from being activated: one Accountable, a Responsible, per activity."""
    counts = Counter((str(activity), str(letter)) for activity, letter in cells)
    return [problem for activity in Activity for problem in _problems(activity, counts)]


def _problems(activity: Activity, counts: Counter[tuple[str, str]]) -> Iterable[Blocker]:
    name = activity.label
    if counts[activity, Letter.ACCOUNTABLE] != 1:
        yield Blocker("raci_accountable", f"{name} needs exactly one Accountable; name it.")
    if not counts[activity, Letter.RESPONSIBLE]:
        yield Blocker("raci_responsible", f"{name} needs at least one Responsible; name one.")


_ROLES: Mapping[str, tuple[str, str]] = {
    Activity.TRIAGE: (Role.DUTY_MANAGER, Role.ANALYST),
    Activity.COMMAND: (Role.DUTY_MANAGER, Role.INCIDENT_COMMANDER),
    Activity.DIAGNOSE: (Role.SERVICE_OWNER, ""),
    Activity.RESTORE: (Role.SERVICE_OWNER, ""),
    Activity.COMMUNICATE: (Role.INCIDENT_COMMANDER, Role.COMMUNICATIONS_LEAD),
    Activity.APPROVE_CHANGE: (Role.DUTY_MANAGER, Role.CHANGE_MANAGER),
    Activity.REPORT: (Role.COMPLIANCE_OFFICER, Role.LEGAL),
    Activity.REVIEW: (Role.SERVICE_OWNER, Role.REVIEW_FACILITATOR),
}


def shipped_rows() -> Sequence[dict[str, Any]]:
    """The shipped matrix as child rows; without a role the service's team does the work."""
    rows = []
    for activity, (accountable, responsible) in _ROLES.items():
        rows.append(_row(activity, Letter.ACCOUNTABLE, accountable))
        rows.append(_row(activity, Letter.RESPONSIBLE, responsible))
    return rows


def _row(activity: str, letter: str, role: str) -> dict[str, Any]:
    party = Party.ROLE if role else Party.SERVICE_TEAM
    return {
        "line": f"{activity}-{letter.lower()}",
        "activity": str(activity),
        "letter": str(letter),
        "party": str(party),
        "role": str(role),
    }


explain(
    raci_accountable=(
        "An activity doesn't have exactly one Accountable",
        "Name one party that answers for it, and only one.",
    ),
    raci_responsible=(
        "An activity has no Responsible",
        "Name at least one party that does the work.",
    ),
    function_not_held=(
        "Your team doesn't hold this function of the tool",
        "Ask the team that holds it; the catalogue's page of tool functions names it.",
    ),
)
