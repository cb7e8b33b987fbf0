"""What a version would have decided on past records, before anybody approves it.

A kind says once how it is replayed, as an expression over records that agrees with its rule:

    class SeverityReplay:
        noun = "incidents"
        def records(self, version): ...     # newest first; restricted ones left out
        def outcome(self, version): ...     # an expression over them
        def visible(self, pks, user): ...   # name and link of each that the user may see

    replays("severity_table", SeverityReplay())

The database computes both outcomes of each record at once, so ten thousand take a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Count, Expression, F, Q, QuerySet, Value

from config.audit.tracking import lock
from config.errors import Invalid, Refused
from config.events.operations import record
from config.governance.content import concrete, content_of
from config.governance.models import BackTest, PolicyVersion
from config.governance.review import basis_of
from config.governance.rules import content_hash
from config.organisation.models import User

MOST = 100_000
USUAL = 10_000
EXAMPLES = 25


class Replay(Protocol):
    """How versions of one kind are tried on the past."""

    noun: str

    def records(self, version: PolicyVersion) -> QuerySet[Any]:
        """What the version would have decided on: newest first, without restricted records."""
        ...

    def outcome(self, version: PolicyVersion) -> Expression | Value:
        """What that version decides, as an expression over the records."""
        ...

    def visible(self, pks: Sequence[int], user: User) -> dict[int, tuple[str, str]]:
        """Name and link of those records that the user can see."""
        ...


_replays: dict[str, Replay] = {}


def replays(kind: str, replay: Replay) -> None:
    """Say how a kind is replayed."""
    if _replays.get(kind, replay) is not replay:
        raise RuntimeError(f"two replays of {kind}")
    _replays[kind] = replay


def replay_of(version: PolicyVersion) -> Replay | None:
    """How the version's kind is replayed; None where it decides nothing about records."""
    return _replays.get(type(version).policy_kind)


@dataclass(frozen=True)
class Judged:
    """What two versions decide on the same records; `outcomes` counts `{was, would, count}`."""

    noun: str
    against: PolicyVersion
    looked_at: int
    differing: int
    outcomes: list[dict[str, Any]]
    examples: list[dict[str, Any]]


def judge(version: PolicyVersion, *, last: int = USUAL) -> Judged:
    """Compare the version with the one in force over the last records; nothing is kept.

    Raises `Refused` (`nothing_to_replay`, `nothing_in_force`), and `Invalid` for the number.
    """
    replay = replay_of(version)
    if replay is None:
        raise Refused(
            "This kind of policy decides nothing about past records.", code="nothing_to_replay"
        )
    if not 1 <= last <= MOST:
        raise Invalid(f"Look at 1 to {MOST:,} records.", field="last")
    against = basis_of(version)
    if against is None:
        raise Refused("There is no version in force to compare with.", code="nothing_in_force")
    sample = replay.records(version).values("pk")[:last]
    judged = (
        replay.records(version)
        .filter(pk__in=sample)
        .order_by()
        .annotate(was=replay.outcome(concrete(against)), would=replay.outcome(version))
    )
    outcomes = list(judged.values("was", "would").annotate(count=Count("pk")).order_by("was"))
    differing = judged.filter(~Q(was=F("would"))).order_by("-pk")
    return Judged(
        noun=replay.noun,
        against=against,
        looked_at=sum(row["count"] for row in outcomes),
        differing=sum(row["count"] for row in outcomes if row["was"] != row["would"]),
        outcomes=outcomes,
        examples=list(differing.values("pk", "was", "would")[:EXAMPLES]),
    )


@transaction.atomic
def run_backtest(version: PolicyVersion, *, actor: User, last: int = USUAL) -> BackTest:
    """Compare the version with the one in force over the last records, and keep the answer.

    Raises what `judge` raises.
    """
    lock(version)
    found = judge(version, last=last)
    made = BackTest.objects.create(
        version_id=version.pk,
        against_id=found.against.pk,
        content_hash=content_hash(content_of(version)),
        by=actor,
        looked_at=found.looked_at,
        differing=found.differing,
        outcomes=found.outcomes,
        examples=found.examples,
    )
    record(
        "policy.backtested",
        version,
        actor=actor,
        against=found.against.number,
        looked_at=made.looked_at,
        differing=made.differing,
    )
    return made


def shown_to(test: BackTest, user: User) -> dict[str, Any]:
    """The answer for a page or the API: examples that the user can't see are left out."""
    version = concrete(test.version)
    replay = replay_of(version)
    listed: list[dict[str, Any]] = test.examples
    known = replay.visible([row["pk"] for row in listed], user) if replay is not None else {}
    return {
        "at": test.at,
        "by": test.by,
        "against": test.against,
        "noun": replay.noun if replay is not None else "records",
        "is_current": test.content_hash == content_hash(content_of(version)),
        "looked_at": test.looked_at,
        "differing": test.differing,
        "outcomes": test.outcomes,
        "examples": [
            {"name": known[row["pk"]][0], "link": known[row["pk"]][1], **row}
            for row in listed
            if row["pk"] in known
        ],
    }
