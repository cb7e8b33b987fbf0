"""The front door of the Events API v2: checks the envelope, answers as PagerDuty does.

Clients test for exactly 202 and `success`, or 400 with a list of errors.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import Door, Knock, Letter, NotTaken, register_door
from incidents.alerts.models import PayloadKind
from incidents.alerts.reading import load, with_member
from incidents.alerts.rules import KEY_LENGTH, Unreadable

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
LONGEST_SUMMARY = 1024
ROUTING_KEY = re.compile(r"[a-z0-9]{32}")


def invalid(*errors: str) -> dict[str, Any]:
    """The answer to an event that is not one."""
    return {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": list(errors),
    }


def open_event(knock: Knock) -> Letter:
    """An event for /v2/enqueue; without a `dedup_key` it gets one, which the answer names."""
    body = knock.body
    event = _object(body)
    if errors := [*_routing_errors(event), *_event_errors(event)]:
        raise NotTaken(invalid(*errors))
    key = event.get("dedup_key")
    if not key:
        key = uuid.uuid4().hex
        body = with_member(body, "dedup_key", key)
    answer = {"status": "success", "message": "Event processed", "dedup_key": key}
    return Letter(event["routing_key"], body, lambda stored: answer)


def open_change(knock: Knock) -> Letter:
    """A change for /v2/change/enqueue."""
    event = _object(knock.body)
    payload = event.get("payload")
    errors = _routing_errors(event)
    if not isinstance(payload, dict):
        errors.append("'payload' is missing or no object")
    else:
        errors += _text_errors(payload, "summary", LONGEST_SUMMARY)
    if errors:
        raise NotTaken(invalid(*errors))
    answer = {"status": "success", "message": "Change event processed"}
    return Letter(event["routing_key"], knock.body, lambda stored: answer)


def _object(body: bytes) -> dict[str, Any]:
    try:
        event = load(body)
    except Unreadable as error:
        raise NotTaken(invalid(str(error))) from None
    if not isinstance(event, dict):
        raise NotTaken(invalid("The event is no JSON object"))
    return event


def _routing_errors(event: Mapping[str, Any]) -> list[str]:
    key = event.get("routing_key")
    if not key:
        return ["'routing_key' is missing or blank"]
    if not isinstance(key, str) or not ROUTING_KEY.fullmatch(key):
        return ["'routing_key' must be 32 lower-case letters and digits"]
    return []


def _event_errors(event: Mapping[str, Any]) -> list[str]:
    action = event.get("event_action")
    if action not in ACTIONS:
        return [f"'event_action' must be one of {', '.join(ACTIONS)}"]
    errors = _key_errors(event, needed=action != "trigger")
    if action == "trigger":
        errors += _payload_errors(event.get("payload"))
    return errors


def _key_errors(event: Mapping[str, Any], *, needed: bool) -> list[str]:
    key = event.get("dedup_key")
    if not key:
        return ["'dedup_key' is missing or blank"] if needed else []
    if not isinstance(key, str) or len(key) > KEY_LENGTH:
        return [f"'dedup_key' must be text of at most {KEY_LENGTH} characters"]
    return []


def _payload_errors(payload: Any) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or no object"]
    errors = [
        *_text_errors(payload, "summary", LONGEST_SUMMARY),
        *_text_errors(payload, "source", LONGEST_SUMMARY),
    ]
    if payload.get("severity") not in SEVERITIES:
        errors.append(f"'payload.severity' must be one of {', '.join(SEVERITIES)}")
    return errors


def _text_errors(payload: Mapping[str, Any], name: str, longest: int) -> list[str]:
    text = payload.get(name)
    if not isinstance(text, str) or not text.strip():
        return [f"'payload.{name}' is missing or blank"]
    if len(text) > longest:
        return [f"'payload.{name}' is longer than {longest} characters"]
    return []


UNKNOWN = invalid("'routing_key' is not known here, or its source is switched off")
LIMITED = {"status": "throttle exceeded", "message": "Requests are arriving too quickly"}
TOO_LONG = invalid("The event is longer than 512 KB")

register_door(Door("/v2/enqueue", "pagerduty", open_event, UNKNOWN, LIMITED, too_long=TOO_LONG))
register_door(
    Door("/v2/change/enqueue", "pagerduty", open_change, UNKNOWN, LIMITED,
         kind=PayloadKind.CHANGE, too_long=TOO_LONG)
)  # fmt: skip
