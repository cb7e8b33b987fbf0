"""Logs as JSON lines, without secrets and raw newlines."""

import logging
from typing import Any

import structlog

SECRET_NAMES = ("password", "token", "secret", "authorization", "cookie", "routing_key", "api_key")


def _redact(_: Any, __: str, entry: Any) -> Any:
    for name in entry:
        if any(word in name.lower() for word in SECRET_NAMES):
            entry[name] = "[redacted]"
    return entry


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
