"""Links to the page of a record that is named by its type and key."""

from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


def address_of(model: Any, pk: Any) -> str:
    """The admin's page of the record of that model; empty where its kind has none."""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=(pk,))
    except NoReverseMatch:
        return ""


def linked(label: str, pk: Any, text: str = "") -> SafeString | str:
    """A link to the record of the type `app.model`: the page itself decides who may open it."""
    if not label or pk in (None, ""):
        return text
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return text or f"{label} {pk}"
    name = text or f"{str(model._meta.verbose_name).capitalize()} {pk}"
    address = address_of(model, pk)
    return format_html('<a class="wb-link" href="{}">{}</a>', address, name) if address else name
