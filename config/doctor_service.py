"""What `manage.py doctor` asks about the service: addresses, mail, processes, backups."""

import datetime
import ipaddress
import smtplib
import ssl
from urllib.parse import urlsplit

from django.conf import settings
from django_q.status import Stat

from config import clock
from config.backup.backing_up import TAKEN
from config.doctor import Result, check, is_loopback
from config.due import mail, selfaudit
from config.due.models import Installation, OutboundMessage
from config.due.queues import queues
from config.environment import LOOPBACK
from config.events.models import Event

BACKUP_AGE = datetime.timedelta(hours=24)
HEALTH = {
    "worker": ("A worker was seen just now.", "Start: manage.py worker"),
    "queue": (
        "Timers, deliveries, alerts and jobs are done when they are due.",
        "See the log of worker and qcluster; start another worker.",
    ),
    "outbox": (
        "Messages leave when they are due.",
        "See the dead letters and the worker's log; check mail and webhooks.",
    ),
    "seal": (
        "What is recorded is sealed within seconds.",
        "See the worker's log; run: manage.py audit_verify",
    ),
}


@check("base_url")
def base_url() -> Result:
    """Passwords, cookies and page links travel encrypted, and links lead to us."""
    parts = urlsplit(settings.BASE_URL)
    if is_loopback(parts.hostname or "") and _mails_others():
        remedy = "Set WATCHBILL_BASE_URL to the address under which people reach the site."
        return Result(False, f"links in mails lead to the reader's own {parts.netloc}", remedy)
    if parts.scheme == "https" or is_loopback(parts.hostname or ""):
        return Result(True, settings.BASE_URL)
    remedy = "End TLS at a proxy, and set WATCHBILL_BASE_URL=https://..."
    return Result(False, f"{settings.BASE_URL} is not encrypted and not this machine", remedy)


@check("hosts")
def hosts() -> Result:
    """Requests name us by a host that we know, and come through proxies that we know."""
    wrong = [name for name in settings.ALLOWED_HOSTS if name not in LOOPBACK and _is_odd(name)]
    if wrong:
        remedy = "List full host names in WATCHBILL_HOSTS, without scheme, port or *."
        return Result(False, f"not a host name: {', '.join(wrong)}", remedy)
    try:
        proxies = [ipaddress.ip_network(each) for each in settings.TRUSTED_PROXIES]
    except ValueError as error:
        remedy = "List addresses or networks in WATCHBILL_TRUSTED_PROXIES, like 10.0.0.0/8."
        return Result(False, f"{error}", remedy)
    if any(network.prefixlen == 0 for network in proxies):
        remedy = "Name the proxies' own addresses in WATCHBILL_TRUSTED_PROXIES."
        return Result(
            False, "every address is a trusted proxy: anybody may pose as anybody", remedy
        )
    if urlsplit(settings.BASE_URL).scheme == "https" and not proxies:
        remedy = "Set WATCHBILL_TRUSTED_PROXIES to the address of the proxy that ends TLS."
        return Result(False, "no proxy is trusted, so every page redirects to itself", remedy)
    return Result(True, ", ".join(settings.ALLOWED_HOSTS))


@check("mail")
def mail_server() -> Result:
    """Pages can leave. Connects, encrypts and signs in, and sends nothing."""
    if not settings.SMTP_URL and _is_demo():
        return Result(True, "none needed: the demonstration's mails stay in var/mail")
    if not settings.SMTP_URL:
        remedy = "Set WATCHBILL_SMTP_URL=smtp://user:password@host:587?starttls=1"
        return Result(False, "no mail server is configured: nobody is paged by mail", remedy)
    try:
        server = mail.server(settings.SMTP_URL)
    except ValueError as error:
        return Result(False, "WATCHBILL_SMTP_URL can't be read", f"{error}")
    where = f"{server.host}:{server.port}"
    if server.password and not (server.tls or server.starttls or is_loopback(server.host)):
        remedy = "Add ?starttls=1 to WATCHBILL_SMTP_URL, or use smtps://."
        return Result(False, f"the password for {where} would travel unencrypted", remedy)
    if not _is_mail_domain(server.sender) and not is_loopback(server.host):
        remedy = "Add ?from=watchbill@your.domain to WATCHBILL_SMTP_URL."
        return Result(False, f"mails would come from {server.sender}", remedy)
    return _knock(server, where)


def _knock(server: mail.Server, where: str) -> Result:
    try:
        mail.knock(server)
    except smtplib.SMTPAuthenticationError as error:
        remedy = "Correct user and password in WATCHBILL_SMTP_URL (percent-encode : / @)."
        return Result(False, f"{where} refuses {server.user}: {error.smtp_code}", remedy)
    except smtplib.SMTPNotSupportedError as error:
        remedy = "Correct WATCHBILL_SMTP_URL: another port, starttls=1, or no user."
        return Result(False, f"{where}: {error}", remedy)
    except ssl.SSLError as error:
        remedy = "smtps:// is for ports that begin with TLS (465), starttls=1 for the others."
        return Result(False, f"{where}: {error}", remedy)
    except (OSError, smtplib.SMTPException) as error:
        remedy = "Check WATCHBILL_SMTP_URL, name service, firewall and the mail server."
        return Result(False, f"{where} can't be reached: {error}", remedy)
    return Result(True, f"{where} answers, mails come from {server.sender}")


def _healthy(name: str, what: str, remedy: str) -> None:
    """One part of /readyz, with a remedy."""

    def ask() -> Result:
        found = selfaudit.checks()[name]
        return Result(found.ok, found.detail, "" if found.ok else remedy)

    ask.__doc__ = what
    check(name)(ask)


for _name, _words in HEALTH.items():
    _healthy(_name, *_words)


@check("outbound")
def outbound() -> Result:
    """Messages may leave the house."""
    row = Installation.objects.exclude(outbound_paused_at=None).first()
    if row is None:
        return Result(True, "not paused")
    remedy = "Look at what waits and let it go: manage.py resume_outbound"
    return Result(False, f"paused: {row.paused_because}", remedy)


@check("dead_letters")
def dead_letters() -> Result:
    """Nothing that was promised was given up."""
    counts = {each.name: each.model.objects.dead().count() for each in queues()}
    counts["messages"] = OutboundMessage.objects.dead().count()
    named = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    remedy = "See why in the admin under Platform, and retry." if named else ""
    return Result(not named, named or "none", remedy)


@check("jobs")
def jobs() -> Result:
    """A cluster of background jobs runs. It reports every few seconds."""
    found = Stat.get_all()
    if not found:
        return Result(False, "no cluster of background jobs is seen", "Start: manage.py qcluster")
    return Result(True, ", ".join(f"{each.host}:{each.pid} {each.status}" for each in found))


@check("backup")
def backup() -> Result:
    """The last one is younger than a day; a new or a demonstration installation may wait."""
    last = Event.objects.filter(kind=TAKEN).order_by("-pk").first()
    now = clock.now()
    if last is not None and now - last.recorded_at <= BACKUP_AGE:
        return Result(True, f"{last.data['file']}, {last.recorded_at:%Y-%m-%d %H:%M} UTC")
    if _is_demo():
        return Result(True, "none needed: this is a demonstration")
    first = Event.objects.order_by("pk").first()
    if last is None and (first is None or now - first.recorded_at <= BACKUP_AGE):
        return Result(True, "none yet: the installation is new")
    when = (
        f"the last is of {last.recorded_at:%Y-%m-%d %H:%M} UTC" if last else "none was ever taken"
    )
    remedy = "Run each night: manage.py backup --out FILE (docs/operate.md)"
    return Result(False, f"no backup within 24 hours: {when}", remedy)


def _is_odd(name: str) -> bool:
    """No host name: a wildcard, an address with scheme, path or port."""
    return name in ("*", ".") or any(part in name for part in ("*", "/", "://")) or _has_port(name)


def _has_port(name: str) -> bool:
    return not name.startswith("[") and ":" in name


def _is_demo() -> bool:
    return Installation.objects.filter(is_demo=True).exists()


def _mails_others() -> bool:
    """Whether mail goes anywhere but to a sink on this machine."""
    host = urlsplit(settings.SMTP_URL).hostname if settings.SMTP_URL else ""
    return bool(host) and not is_loopback(host or "")


def _is_mail_domain(sender: str) -> bool:
    """Whether other mail servers could take the sender for one: a name with a dot, no address."""
    domain = sender.rpartition("@")[2]
    try:
        ipaddress.ip_address(domain.strip("[]"))
    except ValueError:
        return "." in domain
    return False
