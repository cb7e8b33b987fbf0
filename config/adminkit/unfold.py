"""The look of the admin. Settings import this, so it imports nothing of ours."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

_SLATE = {
    "50": "oklch(98.4% .003 247.858)",
    "100": "oklch(96.8% .007 247.896)",
    "200": "oklch(92.9% .013 255.508)",
    "300": "oklch(86.9% .022 252.894)",
    "400": "oklch(72.4% .04 256.788)",
    "500": "oklch(52.4% .046 257.417)",
    "600": "oklch(42.6% .043 257.281)",
    "700": "oklch(37.2% .044 257.287)",
    "800": "oklch(27.9% .041 260.031)",
    "900": "oklch(20.8% .042 265.755)",
    "950": "oklch(12.9% .042 264.695)",
}
_TEAL = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(56.5% .112 183.5)",
    "600": "oklch(50% .098 184.5)",
    "700": "oklch(45.1% .088 186.391)",
    "800": "oklch(38.7% .07 188.216)",
    "900": "oklch(34.6% .057 188.425)",
    "950": "oklch(24.7% .045 192.524)",
}


def _asset(name: str) -> Any:
    def href(request: HttpRequest) -> str:
        return static(f"watchbill/{name}")

    return href


def _password_page(request: HttpRequest) -> str:
    return reverse("admin:password_change")


def _preferences_page(request: HttpRequest) -> str:
    return reverse("admin:preferences")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Watchbill",
    "SITE_HEADER": "Watchbill",
    "SITE_SUBHEADER": "Incident governance",
    "SITE_URL": None,
    "SITE_ICON": _asset("logo.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": _asset("favicon.svg"), "sizes": "any"}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_asset("watchbill.css"), _asset("lists.css"), _asset("phone.css")],
    "SCRIPTS": [_asset("watchbill.js"), _asset("lists.js"), _asset("phone.js")],
    "BORDER_RADIUS": "6px",
    "COLORS": {"base": _SLATE, "primary": _TEAL},
    "ENVIRONMENT": "config.adminkit.navigation.environment",
    "DASHBOARD_CALLBACK": "config.adminkit.home.dashboard",
    "COMMAND": {"search_models": False, "show_history": False},
    "ACCOUNT": {
        "navigation": [
            {"title": "My preferences", "link": _preferences_page},
            {"title": "Change password", "link": _password_page},
        ]
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "config.adminkit.navigation.navigation",
    },
}
