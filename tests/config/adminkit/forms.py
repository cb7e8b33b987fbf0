"""Posts admin forms as a browser does: everything that the page holds, with what one changes."""

from typing import Any

from django.test import Client


def held(client: Client, url: str) -> dict[str, Any]:
    """The values of all fields of the form at the address, inlines included."""
    context = client.get(url).context
    admin_form = context["adminform"]
    values = _values(admin_form.form)
    for inline in context["inline_admin_formsets"]:
        values |= _values(inline.formset.management_form)
        for row in inline.formset.forms:
            values |= _values(row)
    return values


def save(client: Client, url: str, **changes: Any) -> Any:
    """Post the form with the changes; underscores stand for the dashes of inline prefixes."""
    return client.post(url, held(client, url) | changes)


def errors(response: Any) -> dict[str, list[str]]:
    """What the form says, by field."""
    form = response.context["adminform"].form
    return {name: list(found) for name, found in form.errors.items()}


def _values(form: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        parts = bound.field.widget.decompress(value) if _splits(bound) else None
        if parts is not None:
            named = zip(bound.field.widget.widgets_names, parts, strict=True)
            found |= {bound.html_name + name: part or "" for name, part in named}
        elif value is not None and value is not False:
            found[bound.html_name] = bound.field.prepare_value(value)
    return found


def _splits(bound: Any) -> bool:
    return hasattr(bound.field.widget, "widgets_names")
