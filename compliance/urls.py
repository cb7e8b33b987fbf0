"""Routes of compliance."""

from compliance.evidence.api import AuditRequestViewSet, ExportViewSet
from compliance.governance_reviews.api import FeedbackViewSet, GovernanceReviewViewSet

api_routes = [
    ("audit-requests", AuditRequestViewSet, "auditrequest"),
    ("exports", ExportViewSet, "export"),
    ("feedback", FeedbackViewSet, "feedback"),
    ("governance-reviews", GovernanceReviewViewSet, "governancereview"),
]
