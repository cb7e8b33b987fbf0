"""All models of compliance, collected for Django."""

from compliance.evidence.models import AuditRequest, Export, ExportProgress
from compliance.governance_reviews.models import FeedbackItem, GovernanceReview

__all__ = ["AuditRequest", "Export", "ExportProgress", "FeedbackItem", "GovernanceReview"]
