"""Sending one mail by SMTP, under a Message-ID that stays the same when it is sent again."""

import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings

from config import clock
from config.due import lines
from config.due.answers import CONNECT_SECONDS, Answer, Watch, deadline, failed, refused, sent
from config.due.models import OutboundMessage
from config.due.operations import Send

WHOLE_SECONDS = 20.0
ALIVE_SECONDS = 2.0
LONGEST_LINE = 998
HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,76}")
OURS = {"from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version"}


class Unsendable(ValueError):
    """The mail can't be put on the wire as it is."""


@dataclass(frozen=True)
class Server:
    """Where mail goes, out of WATCHBILL_SMTP_URL."""

    host: str
    port: int
    user: str
    password: str
    tls: bool
    starttls: bool
    sender: str


def server(url: str) -> Server:
    """Read `smtp://user:password@host:587?starttls=1&from=watchbill@example.org`, or `smtps://`."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("WATCHBILL_SMTP_URL must look like smtp://user:password@host:587")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    tls = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if tls else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        starttls=options.get("starttls") in ("1", "true"),
        sender=options.get("from") or f"watchbill@{domain()}",
    )


def domain() -> str:
    """The right half of our addresses and Message-IDs: the host people know us by."""
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def message_id(message: OutboundMessage) -> str:
    """The same at every attempt, so that a repeated mail is known as one."""
    return f"<{message.pk}@{domain()}>"


def compose(message: OutboundMessage, send: Send, sender: str) -> EmailMessage:
    """The mail. Raises `Unsendable` where a value would break out of its header."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = _address(sender)
        mail["To"] = _address(message.address)
        mail["Subject"] = send.subject
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = message_id(message)
        for name, value in send.headers.items():
            if not HEADER_NAME.fullmatch(name) or name.lower() in OURS:
                raise Unsendable(f"{name[:80]!r} can't be set as a header of a mail")
            mail[name] = value
        # Plain ASCII goes as it is: quoted-printable would break long links for simple readers.
        mail.set_content(send.text, cte="7bit" if _is_plain(send.text) else None)
        if send.html:
            mail.add_alternative(send.html, subtype="html")
    except (ValueError, IndexError, MessageError) as error:
        raise Unsendable(str(error)) from error
    return mail


def _is_plain(text: str) -> bool:
    return text.isascii() and all(len(line) < LONGEST_LINE for line in text.splitlines())


def _address(text: str) -> Address:
    if any(character in text for character in "\r\n\0,;<>"):
        raise Unsendable(f"{text[:80]!r} is not one mail address")
    return Address(addr_spec=text)


def post(message: OutboundMessage, send: Send) -> Answer:
    """Hand the mail to the server, within twenty seconds in all."""
    if not settings.SMTP_URL:
        return failed("No mail server is configured: set WATCHBILL_SMTP_URL.")
    target = server(settings.SMTP_URL)
    try:
        mail = compose(message, send, target.sender)
    except Unsendable as error:
        return refused(str(error))
    with deadline(WHOLE_SECONDS) as watch:
        try:
            return sent(_hand_over(target, mail, watch))
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            return _said(code, text)
        except smtplib.SMTPDataError as error:
            return _said(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            late = f" (ended after {WHOLE_SECONDS:.0f} s)" if watch.expired else ""
            return failed(f"{type(error).__name__}: {error}{late}")


def knock(target: Server) -> None:
    """Connect, encrypt and sign in as for a mail, and send none. Raises what went wrong."""
    with deadline(WHOLE_SECONDS) as watch:
        _signed_in(target, watch).close()


def _hand_over(target: Server, mail: EmailMessage, watch: Watch) -> str:
    client = _kept(target, watch) or _signed_in(target, watch)
    try:
        client.send_message(mail)
    except BaseException:
        client.close()
        raise
    lines.keep(target, client)
    return client.accepted


def _kept(target: Server, watch: Watch) -> "_Client | None":
    client = lines.take(target)
    if not isinstance(client, _Client):
        return None
    if client.is_alive(watch):
        return client
    client.close()
    return None


def _signed_in(target: Server, watch: Watch) -> "_Client":
    client = _Client(target, watch)
    try:
        client.ehlo_or_helo_if_needed()
        if target.starttls:
            client.starttls(context=ssl.create_default_context())
            client.ehlo()
        if target.user:
            client.login(target.user, target.password)
    except BaseException:
        client.close()
        raise
    return client


def _said(code: int, text: bytes | str) -> Answer:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    answer = f"{code} {words}"
    return refused(answer) if 500 <= code <= 599 else failed(answer)


class _Client(smtplib.SMTP):
    """Connects within five seconds; the greeting and all answers may take what is left."""

    accepted = ""

    def __init__(self, target: Server, watch: Watch) -> None:
        self._target = target
        self._watch = watch
        super().__init__(target.host, target.port, timeout=WHOLE_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        opened = socket.create_connection((host, port), CONNECT_SECONDS)
        self._watch.over(opened)
        opened.settimeout(timeout)
        if self._target.tls:
            return ssl.create_default_context().wrap_socket(opened, server_hostname=host)
        return opened

    def is_alive(self, watch: Watch) -> bool:
        """Whether the server still listens after a pause; from here on, `watch` watches over it."""
        if self.sock is None:
            return False
        try:
            watch.over(self.sock)
            self.sock.settimeout(ALIVE_SECONDS)
            code, _ = self.rset()
            self.sock.settimeout(WHOLE_SECONDS)
        except (smtplib.SMTPException, OSError):
            return False
        return code == 250

    def data(self, msg: Any) -> tuple[int, bytes]:
        """As ever, keeping the server's words: they carry its queue id."""
        code, text = super().data(msg)
        self.accepted = f"{code} {text.decode(errors='replace')}"
        return code, text
