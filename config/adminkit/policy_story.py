"""The story of a policy: its versions as a list, and the difference of any two of them."""

from typing import Any

from django.http import Http404, HttpRequest
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from config.adminkit.columns import display
from config.adminkit.operation import OperationAdmin
from config.adminkit.scoping import actor_of, visible_rows
from config.governance.approving import pending
from config.governance.backtest import replay_of, shown_to
from config.governance.models import PolicyVersion
from config.governance.review import basis_of
from config.governance.signing import OVER, change_reference_of, sides_of
from config.governance.wording import period_of, worded

MOST_SHOWN = 3
# A page doesn't grow with the years: older versions are in the list.
MOST_TOLD = 20
MOST_OFFERED = 100


class PolicyStoryAdmin(OperationAdmin):
    """What a version's page tells of the others, and of the back-tests of this one."""

    change_form_after_template = "governance/backtests.html"

    def get_urls(self) -> list[URLPattern]:
        """The page that compares two versions."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_compare"
        view = self.admin_site.admin_view(self.compare_view)
        return [path("<path:object_id>/compare/", view, name=name), *super().get_urls()]

    def compare_view(self, request: HttpRequest, object_id: str) -> TemplateResponse:
        """The difference between this version and the one in `?with=`, else the one before it."""
        version = self.required_object(request, object_id)
        others = visible_rows(self.model, request).filter(policy=version.policy_id)
        asked = request.GET.get("with", "")
        if asked and not (asked.isascii() and asked.isdigit()):
            raise Http404("There is no such version.")
        other = others.filter(number=int(asked[:9])).first() if asked else basis_of(version)
        if asked and other is None:
            raise Http404("There is no such version.")
        pair = [each for each in (other, version) if each is not None]
        older, newer = min(pair, key=_number), max(pair, key=_number)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": version,
            "title": f"{version.policy}: v{older.number} and v{newer.number}",
            "version": version,
            "other": other,
            "before": f"v{older.number}",
            "after": f"v{newer.number}",
            "blocks": worded(None if older is newer else older, newer),
            "versions": others.order_by("-number").select_related("author")[:MOST_OFFERED],
            "change_url": self.page_of(version),
        }
        return TemplateResponse(request, "governance/compare.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add what the version was tried on."""
        obj = kwargs.get("obj")
        if obj is not None and replay_of(obj) is not None:
            rows = obj.backtests.select_related("by", "against", "version__policy").order_by("-id")
            context["backtests"] = [shown_to(row, actor_of(request)) for row in rows[:MOST_SHOWN]]
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Changes against the version before")
    def changes(self, version: PolicyVersion) -> SafeString | str:
        """Row by row, and field by field."""
        basis = basis_of(version)
        if basis is None:
            return "This is the first version."
        return render_to_string("governance/changes.html", {"blocks": worded(basis, version)})

    @display(description="Reviews")
    def said(self, version: PolicyVersion) -> SafeString:
        """Who approved, sent back or reviewed it, what they said, and what is still missing."""
        rows = version.approvals.select_related("reviewer").order_by("id")
        context = {"approvals": rows, "pending": pending(version)}
        return render_to_string("governance/approvals.html", context)

    @display(description="Sign-offs")
    def signed_off(self, version: PolicyVersion) -> SafeString:
        """Which sides of which agreements have signed, who for them, and who is missing."""
        sides = sides_of(version)
        context = {
            "version": version,
            "sides": sides,
            "is_over": version.state in OVER,
            "is_change": any(side.bond.is_change for side in sides),
            "reference": change_reference_of(version) if sides else "",
        }
        return render_to_string("governance/sign_offs.html", context)

    @display(description="Comments")
    def comments(self, version: PolicyVersion) -> SafeString:
        """What people said of it before it held, in order."""
        rows = version.comments.select_related("person").order_by("id")
        return render_to_string("governance/comments.html", {"comments": rows})

    @display(description="All versions")
    def story(self, version: PolicyVersion) -> SafeString:
        """Who changed the policy, when and why, and what each version changed."""
        same: Any = type(version)._base_manager.filter(policy=version.policy_id)
        found = same.select_related("author", "policy__unit").order_by("-number")
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        list_url = f"{reverse(f'{name}_changelist')}?q={version.policy.key}"
        rows = [
            {
                "version": each,
                "holds": period_of(each),
                "page": self.page_of(each),
                "compare": reverse(f"{name}_compare", args=(each.pk,)),
            }
            for each in found[:MOST_TOLD]
        ]
        older = found.count() - len(rows) if len(rows) == MOST_TOLD else 0
        context = {"version": version, "rows": rows, "older": older, "list_url": list_url}
        return render_to_string("governance/story.html", context)


def _number(version: PolicyVersion) -> int:
    return version.number
