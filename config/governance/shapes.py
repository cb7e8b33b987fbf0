"""What the verbs of a version take, and what an approver reads of it."""

from typing import Any

from rest_framework import serializers

from config.access.rules import Role
from config.apikit.serializers import Input
from config.governance.approving import Standing
from config.governance.backtest import MOST, USUAL
from config.governance.models import Approval, Comment
from config.governance.rules import Capacity
from config.governance.signing import LONGEST_REFERENCE
from config.organisation.models import User


class SubmitIn(Input):
    """Why it changes, where the draft doesn't say."""

    change_reason = serializers.CharField(max_length=5000, required=False)


class ApproveIn(Input):
    """The hash of the content that was read; without it, of what is stored."""

    content_hash = serializers.RegexField(r"^[0-9a-f]{64}$", required=False)
    comment = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class ReasonIn(Input):
    """Why."""

    reason = serializers.CharField(max_length=5000)


class RetireIn(Input):
    """Why it ends."""

    reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class ActivateIn(Input):
    """From when it holds: now, or a time to come."""

    at = serializers.DateTimeField(required=False, allow_null=True)


class CommentIn(Input):
    """What the reviewer found."""

    comment = serializers.CharField(max_length=5000)


class ApprovalOut(serializers.ModelSerializer[Approval]):
    """A reviewer's word."""

    reviewer = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = Approval
        fields = read_only_fields = (
            *("at", "reviewer", "decision", "content_hash", "comment", "in_setup_mode"),
            *("roles", "matrix"),
        )


class PendingOut(serializers.Serializer[Any]):
    """What the approval matrix demands of a draft or a version in review, and what is missing."""

    people = serializers.IntegerField(
        source="demand.people", read_only=True, help_text="How many different people must approve."
    )
    roles = serializers.ListField(
        source="demand.roles",
        child=serializers.ChoiceField(choices=Role.choices),
        read_only=True,
        help_text="Roles of which one holder each must be among them.",
    )
    matrix = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="The version that says so; null: as shipped."
    )
    given_by = serializers.SerializerMethodField(help_text="Whose approvals count so far.")
    missing = serializers.ListField(
        source="lacking.texts", child=serializers.CharField(), read_only=True,
        help_text="In words; empty where nothing is missing.",
    )  # fmt: skip

    def get_given_by(self, standing: Standing) -> list[str]:
        """By user name."""
        return [row.reviewer.username for row in standing.given]


class SignOffIn(Input):
    """For which side one signs; the hash of the content that was read, else of what is stored."""

    capacity = serializers.ChoiceField(choices=Capacity.choices)
    content_hash = serializers.RegexField(r"^[0-9a-f]{64}$", required=False)
    comment = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class ChangeReferenceIn(Input):
    """The change record, by the name that it has where changes are kept."""

    reference = serializers.CharField(max_length=LONGEST_REFERENCE)


class SideOut(serializers.Serializer[Any]):
    """One side of an agreement that binds the version, and its signature, if it gave one."""

    agreement = serializers.CharField(source="bond.agreement.key", read_only=True)
    title = serializers.CharField(source="bond.agreement.title", read_only=True)
    capacity = serializers.ChoiceField(choices=Capacity.choices, read_only=True)
    person = serializers.CharField(
        source="signed.person.username", read_only=True, allow_null=True, default=None
    )
    at = serializers.DateTimeField(
        source="signed.at", read_only=True, allow_null=True, default=None
    )
    comment = serializers.CharField(source="signed.comment", read_only=True, default="")


class TextIn(Input):
    """A comment."""

    text = serializers.CharField(max_length=5000)


class CommentOut(serializers.ModelSerializer[Comment]):
    """What somebody said of a version, and when."""

    person = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = Comment
        fields = read_only_fields = ("id", "at", "person", "text")


class ContentChangeOut(serializers.Serializer[Any]):
    """One field that differs from the version in force."""

    what = serializers.ChoiceField(choices=["changed", "added", "removed"], read_only=True)
    part = serializers.CharField(read_only=True)
    line = serializers.CharField(read_only=True)
    field = serializers.CharField(read_only=True)
    old = serializers.JSONField(read_only=True, allow_null=True)
    new = serializers.JSONField(read_only=True, allow_null=True)


class BlockerOut(serializers.Serializer[Any]):
    """What must be done before it can be activated."""

    code = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)
    link = serializers.CharField(read_only=True)


class BackTestIn(Input):
    """On how many of the past."""

    last = serializers.IntegerField(min_value=1, max_value=MOST, default=USUAL)


class OutcomeOut(serializers.Serializer[Any]):
    """How many records each pair of decisions has."""

    was = serializers.CharField(read_only=True, allow_null=True)
    would = serializers.CharField(read_only=True, allow_null=True)
    count = serializers.IntegerField(read_only=True)


class ExampleOut(serializers.Serializer[Any]):
    """A record that would have been decided otherwise."""

    name = serializers.CharField(read_only=True)
    link = serializers.CharField(read_only=True)
    was = serializers.CharField(read_only=True, allow_null=True)
    would = serializers.CharField(read_only=True, allow_null=True)


class BackTestOut(serializers.Serializer[Any]):
    """What the version would have decided, beside the one in force."""

    at = serializers.DateTimeField(read_only=True)
    by = serializers.CharField(source="by.username", read_only=True)
    against = serializers.IntegerField(source="against.number", read_only=True)
    noun = serializers.CharField(read_only=True)
    is_current = serializers.BooleanField(
        read_only=True, help_text="False once the draft has changed."
    )
    looked_at = serializers.IntegerField(read_only=True)
    differing = serializers.IntegerField(read_only=True)
    outcomes = OutcomeOut(many=True, read_only=True)
    examples = ExampleOut(many=True, read_only=True)


class ReviewOut(serializers.Serializer[Any]):
    """What an approver reads."""

    content_hash = serializers.CharField(read_only=True)
    changes = ContentChangeOut(many=True, read_only=True)
    blockers = BlockerOut(many=True, read_only=True)
    approvals = ApprovalOut(many=True, read_only=True)
    pending = PendingOut(
        read_only=True, allow_null=True, help_text="Null once the version is decided."
    )
    sign_offs = SideOut(
        many=True,
        read_only=True,
        help_text="Sides that must sign; `person` is null where none did.",
    )
    change_reference = serializers.CharField(
        read_only=True, help_text="The change record that was named; empty where none was."
    )
    backtests = BackTestOut(many=True, read_only=True)
