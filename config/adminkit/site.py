"""The admin site: allauth signs in, and the palette answers from what is true now."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth import logout as django_logout
from django.contrib.auth.views import PasswordChangeView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import patch_cache_control
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite

from config import origin
from config.access.reading import note_reads
from config.adminkit import preferences, saving
from config.adminkit.navigation import place_of
from config.adminkit.passwords import OwnPasswordForm
from config.adminkit.queues import counts, desk_of
from config.governance.setup import is_setup_mode

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite as _Site
else:
    _Site = UnfoldAdminSite

HITS_A_MODEL = 8
LONGEST_SEARCH = 200
WORDS_KEPT = 3600  # seconds


class Picker(AutocompleteJsonView):
    """The rows that a picker offers; restricted records among them leave a trace."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """One page of them."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        note_reads(context["object_list"], self.request)
        return context


class WatchbillSite(_Site):
    """Unfold's site, with three doors of ours: sign-in, sign-out, search."""

    index_title = "What needs me now"
    empty_value_display = "-"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page shows: where it lies, and whether four eyes don't hold yet."""
        context: dict[str, Any] = super().each_context(request)
        context["place"] = place_of(request)
        context["is_setup_mode"] = self.has_permission(request) and is_setup_mode()
        context["stand_in"] = origin.stand_in_of(request.user.pk)
        if self.has_permission(request):
            context["list_keys"] = desk_of(request).preferences.list_keys
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Django's list of apps and models, made where somebody reads it: our sidebar doesn't."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def get_urls(self) -> Any:
        """With the pages that are nobody's rows: one's preferences, one's queues."""
        return [
            path("preferences/", self.admin_view(self.preferences), name="preferences"),
            path("queues/", self.admin_view(counts), name="queues"),
            path("queues/save/", self.admin_view(saving.save), name="queue_save"),
            *super().get_urls(),
        ]

    def preferences(self, request: HttpRequest) -> HttpResponse:
        """Single-key shortcuts, and the queues of the sidebar."""
        return preferences.page(request, self.each_context(request))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Hand over to allauth, whose limits and lock-out hold for everybody.

        Who has signed in already but may not enter gets a page that says so (403).
        """
        if self.has_permission(request):
            return HttpResponseRedirect(reverse(f"{self.name}:index"))
        if request.user.is_authenticated:
            return TemplateResponse(request, "account/no_access.html", status=403)
        target = request.GET.get(REDIRECT_FIELD_NAME) or reverse(f"{self.name}:index")
        return redirect_to_login(target, reverse("account_login"))

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """One's own password, by the operation: Django's form would save past the history."""
        context = {**self.each_context(request), **(extra_context or {})}
        request.current_app = self.name
        view = PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse(f"{self.name}:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context=context,
        )
        return view(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """By POST; then to the sign-in page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        django_logout(request)
        return HttpResponseRedirect(reverse("account_login"))

    def i18n_javascript(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The words of the date pickers. The browser keeps them: every form and list has some."""
        answer = super().i18n_javascript(request, extra_context)
        patch_cache_control(answer, private=True, max_age=WORDS_KEPT)
        return answer

    def autocomplete_view(self, request: HttpRequest) -> Any:
        """What a picker offers."""
        return Picker.as_view(admin_site=self)(request)

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The palette. Unfold would keep results for five minutes, past a change of rights."""
        words = request.GET.get("s", "").strip()[:LONGEST_SEARCH]
        if not words:
            return HttpResponse()
        results = [*self._pages(request, words), *self._rows(request, words)]
        context = {"search_term": words, "results": results, "command_show_history": False}
        return TemplateResponse(request, "adminkit/palette.html", context)

    def _pages(self, request: HttpRequest, words: str) -> Iterator[dict[str, str]]:
        for app in self.get_app_list(request):
            for model in app["models"]:
                if words.lower() in str(model["name"]).lower() and model["admin_url"]:
                    yield {
                        "title": str(model["name"]),
                        "description": "List",
                        "link": model["admin_url"],
                        "icon": "list",
                    }

    def _rows(self, request: HttpRequest, words: str) -> Iterator[dict[str, str]]:
        """Rows of the models that say `in_palette`, each scoped by its own admin."""
        for model, admin in self._registry.items():
            if not getattr(admin, "in_palette", False) or not admin.has_view_permission(request):
                continue
            rows, _ = admin.get_search_results(request, admin.get_queryset(request), words)
            name = f"{self.name}:{model._meta.app_label}_{model._meta.model_name}_change"
            hits = list(rows[:HITS_A_MODEL])
            note_reads(hits, request)
            for row in hits:
                yield {
                    "title": str(row),
                    "description": str(model._meta.verbose_name).capitalize(),
                    "link": reverse(name, args=(row.pk,)),
                    "icon": "description",
                }

    def unregister_if_known(self, model: Any) -> None:
        """Take a library's admin away, if the library has registered one."""
        try:
            self.unregister(model)
        except NotRegistered:
            return
