"""Child rows inside their parent's form."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.http import HttpRequest
from unfold.admin import TabularInline as UnfoldTabularInline

from config.adminkit.scoping import access_of, visible_rows

if TYPE_CHECKING:
    from django.contrib.admin import TabularInline

    _Inline = TabularInline[Any, Any]
else:
    _Inline = UnfoldTabularInline


class ReadOnlyInline(_Inline):
    """Child rows to read. The parent is visible, so they are; restrict `get_queryset` otherwise."""

    extra = 0
    per_page = 20
    can_delete = False
    show_change_link = True
    ordering: ClassVar[Any] = ("-pk",)

    def __init__(self, parent_model: Any, admin_site: Any) -> None:
        super().__init__(parent_model, admin_site)
        # In a table a title repeats what the row says; it carries the link to the row's own page.
        if self.template == _Inline.template:
            self.show_title = self.show_change_link and self.has_registered_model

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """In a table only the column names a field; screen readers need it on the field itself."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.widget.attrs.setdefault("aria-label", str(db_field.verbose_name).capitalize())
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who sees the parent sees its rows."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class OperationInline(ReadOnlyInline):
    """Child rows that change by operations, for those who may do `change_verb` to the parent.

    create_operation(parent, *, actor, **cleaned_data)
    edit_operation(child, *, actor, changes)
    delete_operation(child, *, actor)
    """

    per_page = None  # type: ignore[assignment]  # a formset that is saved must be whole
    change_verb: ClassVar[str] = ""
    create_operation: ClassVar[Callable[..., Any] | None] = None
    edit_operation: ClassVar[Callable[..., Any] | None] = None
    delete_operation: ClassVar[Callable[..., Any] | None] = None

    @property
    def can_delete(self) -> bool:  # type: ignore[override]  # follows from the operation
        """Whether rows can be taken away."""
        return operation_of(self, "delete_operation") is not None

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A picker offers, and a form accepts, only what the visitor may see."""
        kwargs.setdefault("queryset", visible_rows(db_field.remote_field.model, request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With an operation, and the right on the parent."""
        return self._may(request, obj, "create_operation")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With an operation, and the right on the parent."""
        return self._may(request, obj, "edit_operation")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With an operation, and the right on the parent."""
        return self._may(request, obj, "delete_operation")

    def _may(self, request: HttpRequest, parent: models.Model | None, name: str) -> bool:
        if parent is None or operation_of(self, name) is None:
            return False
        return bool(self.change_verb) and access_of(request).may(self.change_verb, parent)


def operation_of(owner: Any, name: str) -> Callable[..., Any] | None:
    """An operation declared on a class as a plain function, unbound."""
    found = inspect.getattr_static(owner, name)
    return found.__func__ if isinstance(found, staticmethod) else found
