"""Routes of compliance."""

from compliance.evidence.api import AuditRequestViewSet, ExportViewSet

api_routes = [
    ("audit-requests", AuditRequestViewSet, "auditrequest"),
    ("exports", ExportViewSet, "export"),
]
