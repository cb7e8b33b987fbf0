"""All routes. The floors above list theirs; this only collects them."""

from django.urls import include, path
from django.views.generic import RedirectView

from config import health
from config.access.api import AssignmentViewSet, MeView
from config.access.rights_api import DelegationViewSet
from config.adminkit.base import site
from config.agreements.api import AgreementViewSet
from config.apikit import pages, routes
from config.approvals.api import ApprovalMatrixViewSet
from config.breakglass.api import BreakGlassViewSet
from config.duties.api import DutyExceptionViewSet, SegregationViewSet
from config.federation.api import DivergenceView, FreedomViewSet, OperatingModelViewSet
from config.governance.api import PolicyViewSet
from config.governance.as_of_api import InForceView
from config.governance.settings_api import SettingViewSet
from config.organisation.api import TeamViewSet, UnitViewSet, UserViewSet
from config.organisation.token_api import TokenViewSet
from config.workspace.api import SavedViewViewSet

OWN: list[routes.Route] = [
    ("units", UnitViewSet, "unit"),
    ("teams", TeamViewSet, "team"),
    ("users", UserViewSet, "user"),
    ("tokens", TokenViewSet, "token"),
    ("role-assignments", AssignmentViewSet, "role-assignment"),
    ("delegations", DelegationViewSet, "delegation"),
    ("segregation-matrices", SegregationViewSet, "segregation-matrix"),
    ("duty-exceptions", DutyExceptionViewSet, "duty-exception"),
    ("break-glass", BreakGlassViewSet, "break-glass"),
    ("operating-models", OperatingModelViewSet, "operating-model"),
    ("agreements", AgreementViewSet, "agreement"),
    ("approval-matrices", ApprovalMatrixViewSet, "approval-matrix"),
    ("policy-freedoms", FreedomViewSet, "policy-freedom"),
    ("policies", PolicyViewSet, "policy"),
    ("settings", SettingViewSet, "setting"),
    ("saved-views", SavedViewViewSet, "savedview"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("problems/", pages.problem_list, name="problems"),
    path("problems/<slug:code>", pages.problem_page, name="problem"),
    path("api/schema/", pages.DocumentView.as_view(), name="schema"),
    path("api/docs/", pages.DocsView.as_view(url_name="schema"), name="docs"),
    path("api/v1/me/", MeView.as_view(), name="me"),
    path("api/v1/divergence/", DivergenceView.as_view(), name="divergence"),
    path("api/v1/policies/in-force/", InForceView.as_view(), name="policies-in-force"),
    path("api/v1/", routes.api(OWN)),
    path("admin/", site.urls),
    path("accounts/", include("config.access.urls")),
    *routes.pages(),
]

handler400 = "config.apikit.pages.bad_request"
handler403 = "config.apikit.pages.forbidden"
handler404 = "config.apikit.pages.not_found"
handler500 = "config.apikit.pages.failed"
