"""The admin of one kind of policy: a list of versions, drafts as forms, four eyes as buttons.

    @register(EscalationPolicyVersion)
    class EscalationPolicyAdmin(PolicyAdmin):
        '''Escalation policies.'''

        inlines = [TierInline]                # class TierInline(PartInline): model = Tier

Form and child rows of a draft are saved as one operation; everything else is read-only, and
offers a new draft. The fields are those of the model; `content_fields` says otherwise.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import flatten
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from config.access.rules import Role
from config.access.visibility import require
from config.adminkit.columns import display
from config.adminkit.forms import with_refusal
from config.adminkit.inlines import ReadOnlyInline
from config.adminkit.policy_filters import InForceFilter
from config.adminkit.policy_forms import (
    ActivateForm,
    ApproveForm,
    BackTestForm,
    ChangeReferenceForm,
    CommentForm,
    DraftForm,
    NewPolicyForm,
    PartForm,
    SignOffForm,
    TextForm,
)
from config.adminkit.policy_story import PolicyStoryAdmin
from config.adminkit.scoped import BaseAdmin
from config.adminkit.scoping import actor_of, visible_rows
from config.adminkit.verbs import ReasonForm, Verb, VerbForm
from config.conditions.fields import ConditionField
from config.conditions.forms import BuilderField
from config.errors import Blocker
from config.governance import activation, approving, operations, signing
from config.governance.backtest import replay_of, run_backtest
from config.governance.content import parts_of, root_fields
from config.governance.drafts import place_of
from config.governance.models import Policy, PolicyVersion, VersionState, verbs_from
from config.governance.wording import period_of, text_of
from config.organisation.models import BusinessUnit

STATE_FIELDS = (
    *("number", "state_shown", "author", "holds", "content_hash", "said", "signed_off"),
    *("changes", "comments", "story"),
)


class PartInline(ReadOnlyInline):
    """Child rows of a version: part of the draft's form."""

    form = PartForm
    per_page = None  # type: ignore[assignment]  # a formset that is saved must be whole
    exclude = ("line", "revision")
    can_delete = True
    show_change_link = False
    ordering: ClassVar[tuple[str, ...]] = ("line",)
    formfield_overrides: ClassVar[dict[Any, Any]] = {ConditionField: {"form_class": BuilderField}}

    def __init__(self, parent_model: Any, admin_site: Any) -> None:
        super().__init__(parent_model, admin_site)
        self._shown_of: PolicyVersion | None = None
        for field in self.model._meta.concrete_fields:
            if not isinstance(field, (models.ForeignKey, models.BooleanField)):
                setattr(self, _shown(field.name), self._in_words(field))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """As declared in a draft; elsewhere in words, as the differences say them."""
        declared = self.fields or self._own_fields()
        if self._is_open(request, obj):
            return declared
        self._shown_of = obj
        return [
            tuple(map(self._to_read, each))
            if isinstance(each, (tuple, list))
            else self._to_read(each)
            for each in declared
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is shown in words has no field."""
        declared = super().get_readonly_fields(request, obj)
        if self._is_open(request, obj):
            return declared
        return [*declared, *flatten(self.get_fields(request, obj))]

    def _own_fields(self) -> list[str]:
        """All that a draft may set, where the inline names none."""
        return [
            field.name
            for field in (*self.model._meta.fields, *self.model._meta.many_to_many)
            if field.editable
            and not field.primary_key
            and field.name not in self.exclude
            and not issubclass(self.parent_model, field.related_model or ())
        ]

    def _to_read(self, name: str) -> str:
        return _shown(name) if hasattr(self, _shown(name)) else name

    def _in_words(self, field: Any) -> Any:
        @display(description=str(field.verbose_name).capitalize())
        def shown(row: models.Model) -> str:
            value = field.value_from_object(row)
            if self._shown_of is None or value in (None, "", []):
                return ""
            return text_of(self._shown_of, field, value)

        return shown

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A picker offers, and a form accepts, only what the visitor may see."""
        kwargs.setdefault("queryset", visible_rows(db_field.remote_field.model, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft, for those who may write it."""
        return self._is_open(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft, for those who may write it."""
        return self._is_open(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft, for those who may write it."""
        return self._is_open(request, obj)

    def _is_open(self, request: HttpRequest, obj: Any) -> bool:
        owner = self.admin_site._registry[self.parent_model]
        return obj is not None and owner.has_change_permission(request, obj)


def _shown(name: str) -> str:
    return f"{name}_in_words"


def _new_draft(version: PolicyVersion, *, actor: Any) -> PolicyVersion:
    draft: PolicyVersion = operations.new_draft(version.policy, actor=actor)
    return draft


class PolicyAdmin(PolicyStoryAdmin):
    """Versions of one kind of policy."""

    content_fields: ClassVar[tuple[str, ...] | None] = None
    formfield_overrides: ClassVar[dict[Any, Any]] = {ConditionField: {"form_class": BuilderField}}
    new_form: ClassVar[Any] = NewPolicyForm

    list_display = ["version", "unit", "state_shown", "author", "change_reason", "holds"]
    list_filter = ["state", InForceFilter]
    list_select_related = ["policy__unit", "author"]
    search_fields = ["policy__key", "policy__title", "change_reason"]
    readonly_fields: ClassVar[tuple[str, ...]] = STATE_FIELDS
    change_verb = "draft"
    add_roles = (Role.POLICY_AUTHOR, Role.UNIT_ADMINISTRATOR, Role.PLATFORM_ADMINISTRATOR)
    verbs = (
        Verb("submit", operations.submit, label="Submit for approval"),
        Verb(
            "backtest",
            run_backtest,
            label="Back-test",
            form=BackTestForm,
            help="What this version would have decided on past records, beside the one in force.",
        ),
        Verb("comment", operations.comment, form=TextForm, allowed=operations.may_comment),
        Verb("approve", operations.approve, form=ApproveForm, allowed=approving.may_approve),
        Verb("send_back", operations.send_back, form=ReasonForm),
        Verb(
            "sign_off",
            signing.sign_off,
            form=SignOffForm,
            allowed=signing.may_sign_off,
            help="For one side of the agreements that bind this version: exactly this content.",
        ),
        Verb(
            "name_change",
            signing.name_change,
            label="Name the change record",
            form=ChangeReferenceForm,
            help="What an agreement binds changes only under a change record.",
        ),
        Verb("activate", activation.activate, form=ActivateForm),
        Verb("new_draft", _new_draft, label="New draft", right="draft"),
        Verb(
            "activate_in_emergency",
            activation.activate_in_emergency,
            label="Activate in an emergency",
            form=ReasonForm,
            danger=True,
            help="It holds at once, without approval. Somebody else must review it in 24 hours.",
        ),
        Verb(
            "review_emergency",
            activation.review_emergency,
            label="Review the emergency activation",
            form=CommentForm,
        ),
        Verb("retire", activation.retire, form=ReasonForm, danger=True),
    )

    def verbs_from(self, obj: PolicyVersion) -> list[str]:
        """What the state allows; what has been in force offers a new draft."""
        found = verbs_from(obj.state)
        if obj.state in (VersionState.ACTIVE, VersionState.RETIRED):
            found.append("new_draft")
        if activation.awaits_review(obj):
            found.append("review_emergency")
        if replay_of(obj) is not None and obj.in_force is None:
            found.append("backtest")
        if obj.state not in signing.OVER and any(bond.is_change for bond in signing.bonds_of(obj)):
            found.append("name_change")
        if obj.state not in signing.OVER:
            found.append("comment")
        return [*found, "sign_off"] if obj.state in signing.FROZEN else found

    def blockers_of(self, verb: Verb, obj: PolicyVersion) -> list[Blocker]:
        """What the rooms say against an activation."""
        if verb.name in ("activate", "activate_in_emergency"):
            return activation.activation_blockers(obj)
        return super().blockers_of(verb, obj)

    def verb_form(self, request: HttpRequest, verb: Verb, obj: Any) -> VerbForm:
        """An approval or signature names the hash that stood on the page."""
        form = super().verb_form(request, verb, obj)
        form.initial = {"content_hash": obj.content_hash}
        if isinstance(form, SignOffForm):
            found = signing.capacities_of(obj, actor_of(request))
            form.offer((each.value, str(each.label)) for each in found)
        return form

    def run(self, request: HttpRequest, verb: Verb, obj: Any, arguments: dict[str, Any]) -> None:
        """As everywhere; a new draft is where the answer leads."""
        with transaction.atomic():
            result = verb.operation(obj, actor=actor_of(request), **arguments)
        if verb.name == "new_draft":
            request._watchbill_draft = result  # type: ignore[attr-defined]  # read by verb_view

    def verb_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """As everywhere, but a new draft is opened."""
        response = super().verb_view(request, object_id, name)
        draft = getattr(request, "_watchbill_draft", None)
        return response if draft is None else HttpResponseRedirect(self.page_of(draft))

    # Rights

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Authors; for which unit is asked once it is named."""
        return self.has_view_permission(request) and self.add_check(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only drafts are edited."""
        is_open = obj is None or obj.state == VersionState.DRAFT
        return is_open and BaseAdmin.has_change_permission(self, request, obj)

    # The form

    def names_of_content(self, request: HttpRequest, obj: PolicyVersion) -> list[str]:
        """The fields of what the version says."""
        names = self.content_fields or [each.name for each in root_fields(self.model)]
        return [*names, "change_reason"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """First the policy alone; then what the version says, and where it stands."""
        if obj is None:
            return [(None, {"fields": list(self.new_form.base_fields)})]
        content = self.names_of_content(request, obj)
        if self.has_change_permission(request, obj):
            content.append("seen_revision")
        return [(None, {"fields": content}), ("Version", {"fields": STATE_FIELDS})]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form of a new draft, or of its content; refusals come back beside their field."""
        form = kwargs.pop("form", None) or self.form_class(request, obj)
        form = with_refusal(form, getattr(request, "_watchbill_refusal", None))
        made: Any = BaseAdmin.get_form(self, request, obj, change=change, form=form, **kwargs)
        if obj is None and "unit" in made.base_fields:
            made.base_fields["unit"].queryset = visible_rows(BusinessUnit, request)
        return made

    def form_class(self, request: HttpRequest, obj: Any) -> Any:
        """Which form the page shows; kinds with fields of their own override it."""
        if obj is None:
            return self.new_form
        return DraftForm if self.has_change_permission(request, obj) else forms.ModelForm

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Child rows come with the draft."""
        return [] if obj is None else super().get_inline_instances(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new policy or version; what a draft says is saved with its rows."""
        if not change:
            made = self.create(request, dict(form.cleaned_data))
            obj.__dict__.update(made.__dict__)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> PolicyVersion:
        """A draft, where the visitor may write one."""
        actor, unit = actor_of(request), place_of(values.get("unit"))
        require(actor, "draft", Policy(unit=unit))
        model: type[PolicyVersion] = self.model
        return operations.propose(
            model, values["key"], actor=actor, unit=unit, title=values.get("title", "")
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Form and child rows as one operation."""
        for formset in formsets:
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        if change:
            names = [each.name for each in root_fields(self.model)]
            said = form.cleaned_data
            operations.save_draft(
                form.instance,
                actor=actor_of(request),
                values={name: said[name] for name in names if name in said},
                parts=_rows(self.model, formsets),
                revision=said["seen_revision"],
                reason=said.get("change_reason"),
            )

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        """On to the content."""
        messages.success(request, f"{obj} is a draft now. Say what it shall hold.")
        return HttpResponseRedirect(self.page_of(obj))

    # What the pages show

    @display(description="Version", ordering="policy__title")
    def version(self, version: PolicyVersion) -> str:
        """Its name, with its number."""
        return str(version)

    @display(description="Unit", ordering="policy__unit__name")
    def unit(self, version: PolicyVersion) -> str:
        """Where it holds."""
        return str(version.policy.unit or "Enterprise")

    @display(
        description="State",
        ordering="state",
        label={"Active": "success", "In review": "warning", "Approved": "info"},
    )
    def state_shown(self, version: PolicyVersion) -> str:
        """As a badge with text."""
        return version.get_state_display()

    @display(description="Holds", ordering="in_force")
    def holds(self, version: PolicyVersion) -> str:
        """From when to when, or when it is to begin."""
        return period_of(version)


def _rows(model: type[PolicyVersion], formsets: Any) -> dict[str, list[dict[str, Any]]]:
    """The child rows as the forms have them; known rows keep their line."""
    parts = {part.model: part for part in parts_of(model)}
    found = {}
    for formset in formsets:
        part = parts[formset.model]
        kept = [
            row
            for row in formset.forms
            if row not in formset.deleted_forms and (row.instance.pk or row.has_changed())
        ]
        found[part.name] = [_said(part.fields, row.instance) for row in kept]
    return found


def _said(fields: "list[models.Field[Any, Any]]", row: models.Model) -> dict[str, Any]:
    values = {each.name: each.value_from_object(row) for each in fields}
    return values if values["line"] else {k: v for k, v in values.items() if k != "line"}
