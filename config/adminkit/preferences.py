"""One's own preferences: single-key shortcuts, and which queues the sidebar shows."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from config.adminkit.queues import desk_of
from config.workspace.operations import set_preferences


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show them; on POST, keep them."""
    desk = desk_of(request)
    if request.method == "POST":
        pinned = set(request.POST.getlist("pinned"))
        set_preferences(
            list_keys="list_keys" in request.POST,
            unpinned=[entry.key for entry in desk.entries if entry.key not in pinned],
            actor=desk.user,
        )
        messages.success(request, "Your preferences are saved.")
        return HttpResponseRedirect(reverse("admin:preferences"))
    context |= {
        "title": "My preferences",
        "preferences": desk.preferences,
        "queues": desk.entries,
        "views_link": reverse("admin:config_savedview_changelist"),
    }
    return TemplateResponse(request, "adminkit/preferences.html", context)
