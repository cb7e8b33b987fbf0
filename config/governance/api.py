"""Policies over the API: what every kind of version answers, and `/api/v1/policies/`.

A kind of its own plural declares its fields and its inputs, and nothing else:

    class TierOut(serializers.ModelSerializer[Tier]): ...
    class EscalationPolicyOut(VersionOut):
        tiers = TierOut(many=True, read_only=True)
        class Meta(VersionOut.Meta):
            model = EscalationPolicyVersion
            fields = read_only_fields = (*VERSION_FIELDS, "rounds", "tiers")

    class EscalationPolicyIn(DraftIn):          # names of the model's fields and of its parts
        rounds = serializers.IntegerField(required=False)
        tiers = TierIn(many=True, required=False)

    class EscalationPolicyViewSet(PolicyVersionViewSet[EscalationPolicyVersion]):
        model = EscalationPolicyVersion
        out = EscalationPolicyOut
        inputs = version_inputs(EscalationPolicyIn)

POST on the plural makes a draft, and the policy where the key is new; PATCH edits it with If-Match.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from config.apikit.serializers import Input, Ref
from config.apikit.views import VIEW, Creates, Edits, Histories, Resource, listing, verb
from config.governance import activation, approving, operations, signing
from config.governance.backtest import run_backtest, shown_to
from config.governance.content import parts_of
from config.governance.drafts import place_of
from config.governance.models import (
    BackTest,
    Comment,
    Freedom,
    Policy,
    PolicyVersion,
    VersionState,
    verbs_from,
)
from config.governance.review import changes_of
from config.governance.shapes import (
    ActivateIn,
    ApproveIn,
    BackTestIn,
    ChangeReferenceIn,
    CommentIn,
    CommentOut,
    ReasonIn,
    RetireIn,
    ReviewOut,
    SignOffIn,
    SubmitIn,
    TextIn,
)
from config.organisation.models import BusinessUnit, User

VERSION_FIELDS = (
    *("id", "kind", "key", "unit", "title", "number", "state", "author", "change_reason"),
    *("content_hash", "in_force_from", "in_force_until", "activates_at", "is_emergency"),
    *("created_at", "allowed", "version"),
)
_META = ("key", "unit", "title", "change_reason")
MOST_TESTS = 3
_VERSION_VERBS = (
    *("submit", "backtest", "send_back", "activate", "retire"),
    *("activate_in_emergency", "review_emergency", "name_change"),
)


class VersionOut(serializers.ModelSerializer[Any]):
    """A version of a policy, with its place in the policy's life."""

    kind = serializers.CharField(source="policy.kind", read_only=True)
    key = serializers.CharField(source="policy.key", read_only=True)
    title = serializers.CharField(source="policy.title", read_only=True)
    unit = serializers.SlugRelatedField[Any](
        source="policy.unit", slug_field="key", read_only=True, allow_null=True
    )
    author = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    in_force_from = serializers.DateTimeField(
        source="in_force.lower", read_only=True, allow_null=True, default=None
    )
    in_force_until = serializers.DateTimeField(
        source="in_force.upper", read_only=True, allow_null=True, default=None
    )
    allowed = serializers.SerializerMethodField(help_text="What its state allows next.")
    version = serializers.IntegerField(
        source="revision", read_only=True, help_text="Counts the saves; the ETag carries it."
    )

    class Meta:
        model: ClassVar[type[PolicyVersion]] = PolicyVersion
        fields: ClassVar[tuple[str, ...]] = VERSION_FIELDS
        read_only_fields: ClassVar[tuple[str, ...]] = VERSION_FIELDS

    def get_allowed(self, version: PolicyVersion) -> list[str]:
        """Names of verbs as their addresses have them."""
        return [name.replace("_", "-") for name in verbs_from(version.state)]


class DraftIn(Input):
    """What every draft has; kinds add their own fields."""

    key = serializers.SlugField(max_length=100)
    unit = Ref(BusinessUnit, required=False, allow_null=True)
    title = serializers.CharField(max_length=200, required=False)
    change_reason = serializers.CharField(max_length=5000, required=False, allow_blank=True)


class VersionFilters(django_filters.FilterSet):
    """By state, key and unit."""

    state = django_filters.MultipleChoiceFilter(choices=VersionState.choices)
    key = django_filters.CharFilter(field_name="policy__key")
    unit = django_filters.CharFilter(field_name="policy__unit__key")


def version_inputs(draft: type[DraftIn]) -> Mapping[str, Any]:
    """The inputs of a kind: the same fields to create and to edit, but not its identity."""
    hidden = dict.fromkeys(("key", "unit", "title"))
    return {"create": draft, "partial_update": type(f"{draft.__name__}Edit", (draft,), hidden)}


class PolicyVersionViewSet[M: PolicyVersion](Creates, Edits, Histories, Resource[M]):
    """The versions of one kind: drafts by POST, and the verbs of their life."""

    out = VersionOut
    filterset_class = VersionFilters
    lookup_value_regex = "[0-9]+"
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history", "review", "comments"), VIEW),
        **dict.fromkeys(("create", "partial_update"), "draft"),
        "comment": VIEW,  # the operation asks who may
        "sign_off": VIEW,  # the operation asks for the role, wherever the agreement holds
        "approve": VIEW,  # `approve` asks whom the approval matrix names
        **{name: name for name in _VERSION_VERBS},
    }

    def shown(self, rows: QuerySet[M]) -> QuerySet[M]:
        """With policy, unit, author and child rows."""
        parts = [part.name for part in parts_of(self.model)]
        return rows.select_related("policy__unit", "author").prefetch_related(*parts)

    def container_for(self, data: Mapping[str, Any]) -> Policy:
        """The policy as it will be: the unit decides."""
        return Policy(key=data["key"], unit=place_of(data.get("unit")))

    def perform_create(self, data: dict[str, Any], actor: User) -> Any:
        """A draft of the policy of that key and unit."""
        said = {name: data.pop(name) for name in _META if name in data}
        reason = said.pop("change_reason", "")
        values, parts = self._split(data)
        model: Any = self.model
        key = said.pop("key")
        return operations.propose(
            model, key, actor=actor, values=values, parts=parts, reason=reason, **said
        )

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The policy is locked before its version, as everywhere."""
        operations.lock_version(self.get_object())
        return super().partial_update(request, *args, **kwargs)

    def perform_edit(self, row: M, data: dict[str, Any], actor: User) -> M:
        """The whole form; If-Match was compared already."""
        reason = data.pop("change_reason", None)
        values, parts = self._split(data)
        return self._again(
            operations.save_draft(row, actor=actor, values=values, parts=parts, reason=reason)
        )

    def _again(self, row: M) -> M:
        """Child rows that were read before the change are read anew."""
        row._prefetched_objects_cache = {}  # type: ignore[attr-defined]  # Django's own cache
        return row

    def _split(self, data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        names = {part.name for part in parts_of(self.model)}
        parts = {name: rows for name, rows in data.items() if name in names}
        return {name: each for name, each in data.items() if name not in names}, parts

    @action(detail=True, methods=["get"])
    def review(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What changes against the version in force, who said what, and what is in the way."""
        row: Any = self.get_object()
        actor: Any = request.user
        read = {
            "content_hash": row.content_hash,
            "changes": changes_of(row),
            "blockers": activation.activation_blockers(row),
            "approvals": row.approvals.select_related("reviewer").order_by("id"),
            "pending": approving.pending(row),
            "sign_offs": signing.sides_of(row),
            "change_reference": signing.change_reference_of(row),
            "backtests": [shown_to(each, actor) for each in _last_tests(row)],
        }
        return Response(ReviewOut(read, context=self.get_serializer_context()).data)

    review.answer = ReviewOut  # type: ignore[attr-defined]  # read by the schema

    @listing(CommentOut)
    def comments(self, row: M) -> QuerySet[Comment]:
        """What people say of it, newest first."""
        return row.comments.select_related("person")

    @verb(TextIn)
    def comment(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Say something of it before it holds."""
        operations.comment(row, actor=actor, text=data["text"])

    @verb(SubmitIn)
    def submit(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Hand the draft to the approvers."""
        operations.submit(row, actor=actor, reason=data.get("change_reason", ""))

    @verb(BackTestIn)
    def backtest(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Try it on past records; what it found is with the review."""
        run_backtest(row, actor=actor, last=data["last"])

    @verb(ApproveIn)
    def approve(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Approve the content with that hash; never by one of its authors.

        It stays in review until all approvals are there that the approval matrix demands.
        """
        approving.require_approver(row, actor)
        content_hash = data.get("content_hash") or row.content_hash
        comment = data.get("comment", "")
        operations.approve(row, actor=actor, content_hash=content_hash, comment=comment)

    @verb(ReasonIn)
    def send_back(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Give it back to its authors."""
        operations.send_back(row, actor=actor, reason=data["reason"])

    @verb(SignOffIn)
    def sign_off(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Sign the content for a side of the agreements that bind it; never by its authors."""
        content_hash = data.get("content_hash") or row.content_hash
        comment = data.get("comment", "")
        signing.sign_off(
            row,
            actor=actor,
            capacity=data["capacity"],
            content_hash=content_hash,
            comment=comment,
        )

    @verb(ChangeReferenceIn)
    def name_change(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Name the change record under which something signed changes."""
        signing.name_change(row, actor=actor, reference=data["reference"])

    @verb(ActivateIn)
    def activate(self, row: M, data: dict[str, Any], actor: User) -> None:
        """Put it in force, now or at a time."""
        activation.activate(row, actor=actor, at=data.get("at"))

    @verb(RetireIn)
    def retire(self, row: M, data: dict[str, Any], actor: User) -> None:
        """End it, or discard it where it never held."""
        activation.retire(row, actor=actor, reason=data.get("reason", ""))

    @verb(ReasonIn)
    def activate_in_emergency(self, row: M, data: dict[str, Any], actor: User) -> None:
        """In force at once; somebody else reviews it within 24 hours."""
        activation.activate_in_emergency(row, actor=actor, reason=data["reason"])

    @verb(CommentIn)
    def review_emergency(self, row: M, data: dict[str, Any], actor: User) -> None:
        """The second pair of eyes, after the fact."""
        activation.review_emergency(row, actor=actor, comment=data["comment"])


def _last_tests(row: PolicyVersion) -> QuerySet[BackTest]:
    rows: QuerySet[BackTest] = row.backtests.order_by("-id")
    return rows.select_related("by", "against", "version__policy")[:MOST_TESTS]


class PolicyOut(serializers.ModelSerializer[Policy]):
    """A policy of any kind."""

    unit = serializers.SlugRelatedField[Any](slug_field="key", read_only=True, allow_null=True)
    freedom = serializers.ChoiceField(choices=Freedom.choices, read_only=True)
    version = serializers.IntegerField(source="revision", read_only=True)

    class Meta:
        model = Policy
        fields = read_only_fields = ("id", "kind", "key", "unit", "title", "freedom", "version")


class PolicyFilters(django_filters.FilterSet):
    """By kind, key and unit."""

    kind = django_filters.CharFilter()
    key = django_filters.CharFilter()
    unit = django_filters.CharFilter(field_name="unit__key")


class PolicyViewSet(Histories, Resource[Policy]):
    """Policies of all kinds, and their versions; each kind is edited at its own address."""

    model = Policy
    out = PolicyOut
    filterset_class = PolicyFilters
    lookup_value_regex = "[0-9]+"
    action_permissions = {
        **dict.fromkeys(("list", "retrieve", "history", "versions"), VIEW),
    }

    def shown(self, rows: QuerySet[Policy]) -> QuerySet[Policy]:
        """With the unit."""
        return rows.select_related("unit")

    @listing(VersionOut)
    def versions(self, row: Policy) -> QuerySet[PolicyVersion]:
        """All its versions, newest first."""
        return row.versions.select_related("policy__unit", "author")
