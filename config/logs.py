"""Logs as JSON lines, without secrets and raw newlines."""

import logging
import re
from typing import Any

import structlog

SECRET_NAMES = ("password", "token", "secret", "authorization", "cookie", "routing_key", "api_key")
REDACTED = "[redacted]"
# Keys that stand in text: after a scheme, in addresses, in our own links and tokens.
_IN_TEXT = re.compile(
    r"(\b(?:bearer|basic)[ ]{1,4}(?=\S{8})|://(?=[^/\s@]{1,300}@)|/r/(?=[\w-]{20})"
    r"|/ingest/[a-z]{1,30}/(?=\w{20})|\bwb_pat_|\bwhsec_"
    r"|[?&;](?:[\w-]{0,20}(?:token|secret|password|key|signature)|sig|auth)=)"
    r"[^\s\"'&@<>\\,;]{2,2000}",
    re.IGNORECASE,
)


def _redact(_: Any, __: str, entry: Any) -> Any:
    # In place: the standard library's formatter keeps references to the entry.
    for name in entry:
        if not name.startswith("_"):
            entry[name] = _without_secrets(name, entry[name])
    return entry


def _without_secrets(name: str, value: Any) -> Any:
    if any(word in name.lower() for word in SECRET_NAMES):
        return REDACTED
    if isinstance(value, str):
        return _IN_TEXT.sub(rf"\1{REDACTED}", value)
    if isinstance(value, dict):
        return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(name, inner) for inner in value]
    return value


def configure(options: dict[str, Any]) -> None:
    """Set up logging for the process: structlog and the standard library through one formatter."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options["level"])
    logging.getLogger("django.security.DisallowedHost").setLevel(logging.ERROR)
