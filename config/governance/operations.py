"""Drafting and review of policy versions: who wrote what, who approved exactly that.

Who must approve is in `approving`.
What holds from when is in `activation`; what holds now is read by `in_force`.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from config.access.separation import require_separate
from config.access.visibility import Access, access_for
from config.audit.tracking import lock
from config.due.operations import cancel
from config.errors import (
    FourEyes,
    HumanRequired,
    Invalid,
    NotAllowed,
    Refused,
    Stale,
    TransitionRefused,
)
from config.events.models import Event
from config.events.operations import ask, record
from config.governance import approving, setup
from config.governance.content import content_of
from config.governance.drafts import OPEN, Parts, Row, make_draft, make_policy, place_of, write
from config.governance.in_force import policy_of, version_model
from config.governance.models import (
    TRANSITIONS,
    Approval,
    Comment,
    Decision,
    Freedom,
    Policy,
    PolicyVersion,
    VersionState,
    verbs_from,
)
from config.governance.rules import UNDER_RULES
from config.governance.rules import content_hash as hash_of
from config.organisation.models import BusinessUnit, User

AUTHORING = ("policy.drafted", "policy.draft_saved", "policy.submitted")
ACTIVATION_TIMER = "governance.activate"


@transaction.atomic
def create_policy[M: PolicyVersion](
    model: type[M],
    key: str,
    *,
    title: str,
    actor: User,
    unit: BusinessUnit | None = None,
    freedom: Freedom = Freedom.FREE,
    values: Row | None = None,
    parts: Parts | None = None,
    reason: str = "",
) -> M:
    """Make a policy and its first draft. A unit's policy overrides the enterprise's of that key.

    Raises `Refused` (`policy_locked`) where the enterprise keeps its own for all.
    """
    policy = make_policy(model.policy_kind, key, title, unit, freedom, actor)
    return make_draft(model, policy, actor, values, parts, reason)


@transaction.atomic
def propose[M: PolicyVersion](
    model: type[M],
    key: str,
    *,
    actor: User,
    unit: BusinessUnit | None = None,
    title: str = "",
    values: Row | None = None,
    parts: Parts | None = None,
    reason: str = "",
) -> M:
    """A draft of the policy with these values, which is made where it doesn't exist."""
    kind = model.policy_kind
    policy = policy_of(kind, key, place_of(unit))
    if policy is None:
        policy = make_policy(kind, key, title or key, unit, Freedom.FREE, actor)
    lock(policy)
    return make_draft(model, policy, actor, values, parts, reason)


@transaction.atomic
def new_draft(policy: Policy, *, actor: User) -> Any:
    """A draft that begins as a copy of the version in force, child rows with the same lines."""
    lock(policy)
    return make_draft(version_model(policy.kind), policy, actor, None, None, "")


@transaction.atomic
def save_draft[M: PolicyVersion](
    version: M,
    *,
    actor: User,
    values: Row | None = None,
    parts: Parts | None = None,
    revision: int | None = None,
    reason: str | None = None,
) -> M:
    """Take a form and its child rows as one change. A part that is named is replaced whole.

    `revision` is the one that the form was made from; raises `Stale` when somebody saved since.
    """
    lock_version(version)
    if revision is not None and revision != version.revision:
        raise Stale(
            "Somebody saved this draft after you opened it; open it again and repeat your changes.",
            current=version.revision,
        )
    if version.state != VersionState.DRAFT:
        raise TransitionRefused(
            f"This version is {version.get_state_display().lower()}, and only drafts are edited; "
            "begin a new draft.",
            allowed=verbs_from(version.state),
        )
    write(version, actor, values, parts, reason)
    record("policy.draft_saved", version, actor=actor)
    return version


@transaction.atomic
def submit[M: PolicyVersion](version: M, *, actor: User, reason: str = "") -> M:
    """Hand the draft to the approvers; its content is frozen by its hash."""
    lock_version(version)
    require_transition(version, VersionState.IN_REVIEW)
    if reason.strip():
        version.change_reason = reason.strip()
    if not version.change_reason:
        raise Invalid("Say why this changes.", field="change_reason")
    version.content_hash = hash_of(content_of(version))
    version.state = VersionState.IN_REVIEW
    version.save_as(actor, "state", "content_hash", "change_reason", reason=version.change_reason)
    record(
        "policy.submitted",
        version,
        actor=actor,
        reason=version.change_reason,
        content_hash=version.content_hash,
    )
    return version


@transaction.atomic
def approve[M: PolicyVersion](
    version: M, *, actor: User, content_hash: str, comment: str = ""
) -> M:
    """Approve exactly the content with that hash; the last approval that is demanded decides.

    Raises `FourEyes` for whoever wrote, changed or submitted it, and for who stands in for them
    or for somebody who approved it; `Refused` (`approval_given`) for a second one by the same.
    """
    require_person(actor, "approve")
    lock_version(version)
    require_transition(version, VersionState.APPROVED)
    if content_hash != version.content_hash or hash_of(content_of(version)) != content_hash:
        raise Refused(
            "This is not the content that you read; open the version again.", code="content_changed"
        )
    is_own = _check_four_eyes(version, actor)
    if not is_own:  # set-up mode lets the only approver approve their own
        require_separate("policy.approve", version, actor=actor)
    before = approving.standing_of(version)
    approving.refuse_second_approval(actor, before.given)
    roles = approving.roles_at(version, access_for(actor))
    _decide(
        version, actor, Decision.APPROVED, comment,
        in_setup_mode=is_own, roles=roles, matrix=before.matrix,
    )  # fmt: skip
    said: dict[str, Any] = {
        "content_hash": content_hash,
        "setup_mode": is_own,
        "matrix": before.matrix,
    }
    if left := before.after(roles):
        said["missing"] = left.texts
        record("policy.approval_recorded", version, actor=actor, reason=comment, **said)
        return version
    version.state = VersionState.APPROVED
    version.save_as(actor, "state", reason=comment)
    record("policy.approved", version, actor=actor, reason=comment, **said)
    return version


@transaction.atomic
def send_back[M: PolicyVersion](version: M, *, actor: User, reason: str) -> M:
    """Give the version back to its authors as a draft, also after its approval."""
    require_person(actor, "send back")
    lock_version(version)
    require_transition(version, VersionState.DRAFT)
    if not reason.strip():
        raise Invalid("Say what must change.", field="reason")
    if version.policy.versions.filter(state__in=OPEN).exclude(pk=version.pk).exists():
        raise Refused(
            "Another draft of this policy is open; retire this version instead.",
            code="version_one_draft",
        )
    _decide(version, actor, Decision.SENT_BACK, reason)
    cancel(ACTIVATION_TIMER, version.policy, key=activation_key(version))
    version.state, version.content_hash, version.activates_at = VersionState.DRAFT, "", None
    version.save_as(actor, "state", "content_hash", "activates_at", reason=reason)
    record("policy.sent_back", version, actor=actor, reason=reason)
    return version


def may_comment(version: PolicyVersion, access: Access) -> bool:
    """Whoever works under rules, wherever the version holds."""
    return access.user.is_superuser or access.holds(*UNDER_RULES)


@transaction.atomic
def comment[M: PolicyVersion](version: M, *, actor: User, text: str) -> M:
    """Say something of a version before it holds, for its authors and reviewers to read.

    Raises `NotAllowed`, `Refused` (`comments_closed`) and `Invalid`.
    """
    require_person(actor, "comment on")
    if not may_comment(version, access_for(actor)):
        raise NotAllowed("Comments come from those who work under the rules.", audit=True)
    lock_version(version)
    if version.state in (VersionState.ACTIVE, VersionState.RETIRED):
        raise Refused(
            f"This version is {version.get_state_display().lower()}; "
            "comment on the next draft, or give feedback on the rule.",
            code="comments_closed",
        )
    if not text.strip():
        raise Invalid("Write what you have to say.", field="text")
    row = Comment.objects.create(version_id=version.pk, person=actor, text=text.strip())
    record("policy.commented", version, actor=actor, comment=row.pk)
    return version


def activation_key(version: PolicyVersion) -> str:
    """Names the one open timer that will activate the version."""
    return f"version:{version.pk}"


def require_person(actor: User, verb: str) -> None:
    """Raise `HumanRequired` for accounts of tools and the system."""
    if not actor.is_person:
        raise HumanRequired(f"Only a person can {verb} a policy.", audit=True)


def is_own_work(version: PolicyVersion, actor: User) -> bool:
    """True for its authors, and for who acts in the place of one."""
    return version.pk in own_among([version], actor)


def own_among(versions: Sequence[PolicyVersion], actor: User) -> set[int]:
    """The keys of those which the actor, or one for whom they act, wrote, changed or submitted."""
    people = {actor.pk, *ask("access.acts_for", default=(), person=actor)}
    labels = {each.pk: version_model(each.policy.kind)._meta.label_lower for each in versions}
    events = Event.objects.filter(
        kind__in=AUTHORING,
        subject_type__in=set(labels.values()),
        subject_id__in=labels,
        actor_id__in=people,
    )
    begun = {each.pk for each in versions if each.author_id in people}
    return begun.union(key for key in events.values_list("subject_id", flat=True) if key)


def _check_four_eyes(version: PolicyVersion, actor: User) -> bool:
    """True where set-up mode lets authors approve their own; else they are refused."""
    if not is_own_work(version, actor):
        return False
    if setup.is_setup_mode():
        return True
    raise FourEyes("You wrote or changed this version; somebody else must approve it.", audit=True)


def _decide(
    version: PolicyVersion,
    actor: User,
    decision: Decision,
    comment: str,
    *,
    in_setup_mode: bool = False,
    roles: Sequence[str] = (),
    matrix: int | None = None,
) -> None:
    Approval.objects.create(
        version_id=version.pk,
        reviewer=actor,
        decision=decision,
        content_hash=version.content_hash,
        comment=comment,
        in_setup_mode=in_setup_mode,
        roles=list(roles),
        matrix_id=matrix,
    )
    setup.note_end(actor)


def lock_version(version: PolicyVersion) -> None:
    """Lock the policy, the root of all its versions, then the version; refresh both."""
    policy = version.policy
    lock(policy)
    lock(version)
    version.policy = policy


def require_transition(version: PolicyVersion, to: VersionState) -> None:
    """Raise `TransitionRefused` unless the table leads there."""
    if to not in TRANSITIONS[version.state]:
        raise TransitionRefused(
            f"This version is {version.get_state_display().lower()}; "
            f"it can't become {to.label.lower()}.",
            allowed=verbs_from(version.state),
        )
