"""What `manage.py doctor` asks of this machine: files, secrets, and the way to people."""

import os
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import requests
from django.conf import settings
from django.contrib.staticfiles import finders

from config.doctor import Result, check, existing, is_loopback
from config.due import installation, webhook

STYLE = "watchbill/watchbill.css"
A_ZONE = "Europe/Berlin"
SHORTEST_SECRET = 32
SHORTEST_TOKEN = 16
WEB_SECONDS = 5.0
SIGN_IN = "/accounts/login/"


@check("files")
def files() -> Result:
    """Keys, exports and the memory of the installation can be written."""
    for place in map(Path, (settings.VAR, settings.EXPORT_ROOT)):
        nearest = existing(place)
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            remedy = f"chown {nearest} to the account of web, worker and jobs; or set WATCHBILL_VAR"
            return Result(False, f"{place} can't be written", remedy)
    return Result(True, f"{settings.VAR}")


@check("static")
def static() -> Result:
    """Pages find their styles and scripts, those of this version."""
    served = Path(settings.STATIC_ROOT) / STYLE
    source = Path(str(finders.find(STYLE)))
    remedy = "Run: manage.py collectstatic --noinput"
    if not served.exists():
        return Result(False, f"{settings.STATIC_ROOT} has not been filled", remedy)
    if served.read_bytes() != source.read_bytes():
        return Result(False, f"{settings.STATIC_ROOT} is of another version", remedy)
    return Result(True, f"{settings.STATIC_ROOT}")


@check("time_zones")
def time_zones() -> Result:
    """Rotas and calendars know the rules of summer time."""
    try:
        ZoneInfo(A_ZONE)
    except ZoneInfoNotFoundError:
        return Result(False, f"{A_ZONE} is unknown here", "Install the package tzdata.")
    return Result(True, "known")


@check("secret")
def secret() -> Result:
    """Sessions and page links can't be forged, and are valid on every node."""
    if len(settings.SECRET_KEY) < SHORTEST_SECRET:
        remedy = "Set WATCHBILL_SECRET_KEY to 50 random characters: openssl rand -base64 48"
        return Result(False, f"it has {len(settings.SECRET_KEY)} characters", remedy)
    if not installation.shares_secret():
        remedy = "Give every node the same WATCHBILL_SECRET_KEY, and restart web and worker."
        return Result(False, "the worker that started last has another one", remedy)
    return Result(True, "long enough, and the workers' own")


@check("metrics_token")
def metrics_token() -> Result:
    """Who may read /metrics from elsewhere."""
    token = settings.METRICS_TOKEN
    if token and len(token) < SHORTEST_TOKEN:
        remedy = "Set WATCHBILL_METRICS_TOKEN to something longer: openssl rand -hex 20"
        return Result(False, f"it has {len(token)} characters, and can be guessed", remedy)
    return Result(True, "set" if token else "none: /metrics answers this machine alone")


@check("outbound_allow")
def outbound_allow() -> Result:
    """The exceptions for private addresses are what they are meant to be."""
    wrong = [entry for entry in settings.OUTBOUND_ALLOW if not _is_place(entry)]
    if wrong:
        remedy = "List host:port in WATCHBILL_OUTBOUND_ALLOW, without scheme and path."
        return Result(False, f"not host:port: {', '.join(wrong)}", remedy)
    return Result(True, ", ".join(settings.OUTBOUND_ALLOW) or "none")


@check("deadman")
def deadman() -> Result:
    """Somebody outside hears it when all of this stands still. Nothing is called."""
    if not settings.DEADMAN_URL:
        return Result(True, "no WATCHBILL_DEADMAN_URL: nobody outside hears it when all is down")
    try:
        target = webhook.resolve(settings.DEADMAN_URL)
    except webhook.Forbidden as error:
        return Result(False, "WATCHBILL_DEADMAN_URL may not be called", f"{error}")
    except OSError as error:
        remedy = "Check WATCHBILL_DEADMAN_URL and the name service."
        return Result(False, f"its host is not found: {error}", remedy)
    return Result(True, f"{target.host}:{target.port}")


@check("web")
def web() -> Result:
    """The site answers where mails say that it is, through whatever stands in front of it."""
    if is_loopback(urlsplit(settings.BASE_URL).hostname or ""):
        return Result(True, "not asked: WATCHBILL_BASE_URL is this machine itself")
    url = f"{settings.BASE_URL}{SIGN_IN}"
    try:
        answer = requests.get(url, timeout=WEB_SECONDS, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        remedy = "Renew or complete the certificate of the proxy, with its intermediates."
        return Result(False, f"{settings.BASE_URL}: {error}", remedy)
    except requests.RequestException as error:
        remedy = "Start web and proxy, or correct WATCHBILL_BASE_URL."
        return Result(False, f"{settings.BASE_URL} does not answer: {error}", remedy)
    if answer.is_redirect:
        remedy = (
            "Let the proxy send Host and X-Forwarded-Proto: https, and name its address in "
            "WATCHBILL_TRUSTED_PROXIES."
        )
        return Result(False, f"{url} redirects to {answer.headers['Location'][:200]}", remedy)
    if not answer.ok:
        remedy = "Does the proxy lead here, with the Host that people use? See web's log."
        return Result(False, f"{url} answers {answer.status_code}", remedy)
    return Result(True, f"{settings.BASE_URL} answers")


def _is_place(entry: str) -> bool:
    try:
        parts = urlsplit(f"//{entry}")
        return bool(parts.hostname and parts.port and parts.netloc == entry and "@" not in entry)
    except ValueError:
        return False
