"""Routes of escalation: the API's resources, and the page link."""

from django.urls import path

from escalation.paging.api import PageViewSet
from escalation.paging.views import page_link
from escalation.policies.api import EscalationPolicyViewSet, PolicyUseViewSet
from escalation.responders.api import ContactMethodViewSet
from escalation.rota.api import OverrideViewSet, ScheduleViewSet
from escalation.runs.api import EscalationViewSet

api_routes = [
    ("contact-methods", ContactMethodViewSet, "contactmethod"),
    ("schedules", ScheduleViewSet, "schedule"),
    ("overrides", OverrideViewSet, "override"),
    ("escalation-policies", EscalationPolicyViewSet, "escalationpolicy"),
    ("escalation-policy-uses", PolicyUseViewSet, "escalationpolicyuse"),
    ("escalations", EscalationViewSet, "escalation"),
    ("pages", PageViewSet, "page"),
]
urlpatterns = [path("r/<path:token>", page_link, name="page_link")]
