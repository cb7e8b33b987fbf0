"""Feedback on rules, and the quarter's reviews, for integrators."""

from typing import Any

import django_filters
from rest_framework import serializers

from compliance.governance_reviews import operations
from compliance.governance_reviews.models import (
    FeedbackItem,
    GovernanceReview,
    Outcome,
    ReviewState,
    Voice,
)
from config.apikit.serializers import Input, Ref
from config.apikit.views import OPEN, VIEW, Creates, Histories, Resource, verb
from config.governance.models import Policy
from config.organisation.models import User


class FeedbackOut(serializers.ModelSerializer[FeedbackItem]):
    """What somebody says of a rule, and what was decided."""

    version = serializers.IntegerField(source="revision", read_only=True)
    review = serializers.SlugRelatedField[GovernanceReview](slug_field="quarter", read_only=True)
    policy = serializers.PrimaryKeyRelatedField[Policy](read_only=True)
    given_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)
    answered_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = FeedbackItem
        fields = read_only_fields = (
            "id", "text", "voice", "policy", "given_by", "given_at", "review", "outcome", "answer",
            "answered_by", "answered_at", "version",
        )  # fmt: skip


class FeedbackIn(Input):
    """What works badly, for whom, and what would be better."""

    text = serializers.CharField()
    voice = serializers.ChoiceField(choices=Voice.choices, required=False, default=Voice.RESPONDER)
    policy = Ref(Policy, "id", required=False)


class AnswerIn(Input):
    """What was decided on it, and why."""

    outcome = serializers.ChoiceField(
        choices=[each for each in Outcome.choices if each[0] != Outcome.PENDING]
    )
    answer = serializers.CharField()


class GovernanceReviewOut(serializers.ModelSerializer[GovernanceReview]):
    """A quarter's review."""

    version = serializers.IntegerField(source="revision", read_only=True)
    closed_by = serializers.SlugRelatedField[User](slug_field="username", read_only=True)

    class Meta:
        model = GovernanceReview
        fields = read_only_fields = (
            "id", "quarter", "state", "opened_at", "closed_by", "closed_at", "conclusion",
            "version",
        )  # fmt: skip


class CloseReviewIn(Input):
    """What came of the review."""

    conclusion = serializers.CharField()


class FeedbackFilters(django_filters.FilterSet):
    """Filters of the list."""

    outcome = django_filters.MultipleChoiceFilter(choices=Outcome.choices)
    review = django_filters.CharFilter(field_name="review__quarter")

    class Meta:
        model = FeedbackItem
        fields: list[str] = []


class GovernanceReviewFilters(django_filters.FilterSet):
    """Filters of the list."""

    state = django_filters.MultipleChoiceFilter(choices=ReviewState.choices)

    class Meta:
        model = GovernanceReview
        fields: list[str] = []


class FeedbackViewSet(Creates, Histories, Resource[FeedbackItem]):
    """Say what works badly in a rule; those who answer for rules say what was decided."""

    model = FeedbackItem
    out = FeedbackOut
    inputs = {"create": FeedbackIn}
    filterset_class = FeedbackFilters
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "create": OPEN, "decide": "decide",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With all that it names."""
        return rows.select_related("review", "policy", "given_by", "answered_by")

    def perform_create(self, data: dict[str, Any], actor: User) -> FeedbackItem:
        """Everybody may."""
        return operations.give_feedback(actor=actor, **data)

    @verb(AnswerIn)
    def decide(self, row: FeedbackItem, data: dict[str, Any], actor: User) -> None:
        """Say what was decided, and why."""
        operations.decide(row, actor=actor, **data)


class GovernanceReviewViewSet(Histories, Resource[GovernanceReview]):
    """The reviews of the rules, one a quarter."""

    model = GovernanceReview
    out = GovernanceReviewOut
    filterset_class = GovernanceReviewFilters
    action_permissions = {
        "list": VIEW, "retrieve": VIEW, "history": VIEW, "close": "close",
    }  # fmt: skip

    def shown(self, rows: Any) -> Any:
        """With who closed it."""
        return rows.select_related("closed_by")

    @verb(CloseReviewIn)
    def close(self, row: GovernanceReview, data: dict[str, Any], actor: User) -> None:
        """End it; refused while an item waits for an answer."""
        operations.close(row, actor=actor, conclusion=data["conclusion"])
