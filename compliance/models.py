"""All models of compliance, collected for Django."""

from compliance.evidence.models import AuditRequest, Export, ExportProgress

__all__ = ["AuditRequest", "Export", "ExportProgress"]
