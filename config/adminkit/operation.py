"""The admin of records that change only by operations: forms, buttons and bulk actions."""

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from config.adminkit import refusals
from config.adminkit.bulk import ReasonActionForm, bulk_action
from config.adminkit.forms import OWN_FIELDS, with_edit_fields, with_refusal
from config.adminkit.inlines import operation_of
from config.adminkit.matching import list_address
from config.adminkit.scoped import BaseAdmin
from config.adminkit.scoping import access_of, actor_of
from config.adminkit.verbs import Button, Verb, VerbForm
from config.errors import Blocker
from config.events.operations import blockers


class OperationAdmin(BaseAdmin):
    """Create, edit and verbs each call one operation; see `config.adminkit.base` for an example."""

    verbs: ClassVar[tuple[Verb, ...]] = ()
    create_operation: ClassVar[Callable[..., Any] | None] = None
    edit_operation: ClassVar[Callable[..., Any] | None] = None

    action_form = ReasonActionForm
    change_form_outer_before_template = "adminkit/verbs.html"

    # What a room may override

    def verbs_from(self, obj: Any) -> Collection[str]:
        """The names of the verbs that the row's state allows."""
        return [verb.name for verb in self.verbs]

    def blockers_of(self, verb: Verb, obj: Any) -> list[Blocker]:
        """What stands in the way of a verb, shown before its button."""
        return blockers(verb.guard, obj) if verb.guard else []

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Any:
        """Call the creating operation."""
        operation = operation_of(self, "create_operation")
        assert operation is not None  # noqa: S101  # has_add_permission has checked
        return operation(actor=actor_of(request), **values)

    def edit(self, request: HttpRequest, obj: Any, changes: dict[str, Any], reason: str) -> None:
        """Call the editing operation."""
        operation = operation_of(self, "edit_operation")
        assert operation is not None  # noqa: S101  # has_change_permission has checked
        operation(obj, actor=actor_of(request), changes=changes, reason=reason)

    def verb_form(self, request: HttpRequest, verb: Verb, obj: Any) -> VerbForm:
        """What the verb asks for; a room may fill it in from the row."""
        return (verb.form or VerbForm)(request.POST if request.method == "POST" else None)

    def run(self, request: HttpRequest, verb: Verb, obj: Any, arguments: dict[str, Any]) -> None:
        """Call a verb's operation in a transaction of its own."""
        with transaction.atomic():
            verb.operation(obj, actor=actor_of(request), **arguments)

    # Rights

    def may_do(self, request: HttpRequest, verb: Verb, obj: Any) -> bool:
        """The same answer as the API's, unless the room says otherwise."""
        access = access_of(request)
        return verb.allowed(obj, access) if verb.allowed else access.may(verb.permission, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """With an operation, and `add_check`."""
        if operation_of(self, "create_operation") is None:
            return False
        return self.has_view_permission(request) and self.add_check(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With an operation, and `change_verb` on the row."""
        if operation_of(self, "edit_operation") is None:
            return False
        return super().has_change_permission(request, obj)

    def offered(self, request: HttpRequest, obj: Any) -> list[Verb]:
        """The verbs that the state allows and the visitor may do."""
        possible = self.verbs_from(obj)
        return [v for v in self.verbs if v.name in possible and self.may_do(request, v, obj)]

    # The form

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The model's form, with the stale-form check when it edits."""
        form = kwargs.pop("form", self.form)
        if obj is not None and self.has_change_permission(request, obj):
            form = with_edit_fields(form, self.model)
        form = with_refusal(form, getattr(request, "_watchbill_refusal", None))
        return super().get_form(request, obj, change=change, form=form, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Those of the room, and below them the reason for the change."""
        declared = super().get_fieldsets(request, obj)
        if obj is None or not self.fieldsets or not self.has_change_permission(request, obj):
            return declared
        return [*declared, (None, {"fields": OWN_FIELDS})]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show or take the form; a refusal rolls everything back and comes back as form errors."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except refusals.REFUSALS as error:
            refusals.leave_trace(request, error)
            request._watchbill_refusal = error  # type: ignore[attr-defined]  # get_form reads it
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Hand the changed fields to the operation; the edited object itself is dropped."""
        values = {
            name: value for name, value in form.cleaned_data.items() if name not in OWN_FIELDS
        }
        if change:
            changes = {name: values[name] for name in form.changed_data if name in values}
            if changes:
                self.edit(request, obj, changes, form.cleaned_data.get("edit_reason", ""))
            return
        made = self.create(request, values)
        obj.__dict__.update(made.__dict__)  # the answer names the new row

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Child rows by their own operations; many-to-many values went to the operation."""
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Call the inline's operations for what was changed, added and marked for removal."""
        inline = next(i for i in self.get_inline_instances(request, form.instance)
                      if i.model is formset.model)  # fmt: skip
        actor = actor_of(request)
        for row in formset.initial_forms:
            if row in formset.deleted_forms:
                _called(inline, "delete_operation")(row.instance, actor=actor)
            elif row.has_changed():
                changes = {name: row.cleaned_data[name] for name in row.changed_data}
                _called(inline, "edit_operation")(row.instance, actor=actor, changes=changes)
        for row in formset.extra_forms:
            if row.has_changed() and row not in formset.deleted_forms:
                values = _child_values(formset, row)
                _called(inline, "create_operation")(form.instance, actor=actor, **values)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    # Verbs

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add the panel of verbs."""
        obj = kwargs.get("obj")
        if obj is not None and kwargs.get("change"):
            context["verb_buttons"] = self.buttons(request, obj)
            context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def buttons(self, request: HttpRequest, obj: Any) -> list[Button]:
        """One for each verb that the visitor may do now, with what stands in its way."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_verb"
        return [
            Button(verb, reverse(name, args=(obj.pk, verb.name)), self.blockers_of(verb, obj))
            for verb in self.offered(request, obj)
        ]

    def get_urls(self) -> list[URLPattern]:
        """A page for each verb that takes a form, and the target of each button."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_verb"
        view = self.admin_site.admin_view(self.verb_view)
        return [path("<path:object_id>/do/<slug:name>/", view, name=name), *super().get_urls()]

    def verb_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Show what the verb asks for, and what stands in its way; on POST, do it."""
        obj = self.required_object(request, object_id)
        verb = next((verb for verb in self.verbs if verb.name == name), None)
        if verb is None:
            raise Http404(f"There is no '{name}' here.")
        if not self.may_do(request, verb, obj):
            raise PermissionDenied
        form = self.verb_form(request, verb, obj)
        if request.method == "POST" and form.is_valid() and self._done(request, verb, obj, form):
            messages.success(request, f"{verb.title}: done.")
            return HttpResponseRedirect(self._after(obj))
        if request.method == "POST" and verb.form is None:
            return HttpResponseRedirect(self.page_of(obj))
        return self._verb_page(request, verb, obj, form)

    def _done(self, request: HttpRequest, verb: Verb, obj: Any, form: VerbForm) -> bool:
        try:
            self.run(request, verb, obj, form.arguments())
        except refusals.REFUSALS as error:
            refusals.leave_trace(request, error)
            if verb.form is None:
                refusals.as_message(request, error)
            else:
                refusals.add_to(form, error)
            return False
        return True

    def _verb_page(
        self, request: HttpRequest, verb: Verb, obj: Any, form: BaseForm
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "title": f"{verb.title}: {obj}",
            "verb": verb,
            "form": form,
            "blockers": self.blockers_of(verb, obj),
            "change_url": self.page_of(obj),
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "adminkit/verb.html", context)

    def _after(self, obj: models.Model) -> str:
        """The page of the row; the list where the verb has removed it."""
        return list_address(self) if obj.pk is None else self.page_of(obj)

    def page_of(self, obj: models.Model) -> str:
        """The address of the page of a row."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=(obj.pk,))

    def get_actions(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The room's actions, and each bulk verb."""
        actions: dict[str, Any] = super().get_actions(request, *args, **kwargs)
        if "_popup" not in request.GET and self.has_view_permission(request):
            for verb in self.verbs:
                if verb.bulk:
                    actions[verb.name] = (bulk_action(verb), verb.name, verb.title)
        return actions


def _called(inline: Any, name: str) -> Callable[..., Any]:
    operation = operation_of(inline, name)
    if operation is None:
        raise PermissionDenied
    return operation


def _child_values(formset: "Any", row: Any) -> dict[str, Any]:
    left_out = {"DELETE", formset.model._meta.pk.name, getattr(formset, "fk").name}  # noqa: B009
    return {name: value for name, value in row.cleaned_data.items() if name not in left_out}
