"""The front door of the Alert API: answers as Opsgenie does.

Its clients take any 2xx for taken, and try again after 429 and 5xx. Some ask what became of their
request before they go on, so that is answered as well.
"""

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from incidents.alerts.adapters import Door, Knock, Letter, NotTaken, Question, register_door
from incidents.alerts.reading import as_text, load, with_member
from incidents.alerts.rules import Unreadable
from incidents.integrations.opsgenie import looking
from incidents.integrations.opsgenie.addresses import ALERTS, REQUESTS, place_of

GENIE_KEY = re.compile(r"(?i:geniekey)[ \t]+([a-z0-9]{32})[ \t]*")
LONGEST_PATH = 16_000
LONGEST = 1024 * 1024


def said(message: str, **more: Any) -> dict[str, Any]:
    """An answer in Opsgenie's form."""
    return {"message": message, "took": 0.0, "requestId": str(uuid.uuid4()), **more}


UNKNOWN = said("Could not authenticate: the key is not known here, or its source is switched off")
LIMITED = said("You are making too many requests")
TOO_LONG = said("The request is longer than 1 MiB")


def open_call(knock: Knock) -> Letter:
    """Anything sent: an alert without `alias` gets one, by which it can be closed."""
    began = time.perf_counter()
    token = _token_of(knock)
    is_new = not place_of(knock.path).name
    path = f"{knock.path}?{knock.query}" if knock.query else knock.path
    return Letter(
        token,
        _with_alias(knock.body) if is_new else knock.body,
        lambda stored: _accepted(stored, began),
        path=path[:LONGEST_PATH],
    )


def look(knock: Knock) -> Question:
    """What became of a request, or how an alert is."""
    token = _token_of(knock)
    place = place_of(knock.path)
    if place.name == REQUESTS and place.action:
        return looking.request_of(token, place.action)
    if place.name and not place.action:
        return looking.alert_of(token, place.name)
    raise NotTaken(said("There is nothing to read here"), 404)


def _token_of(knock: Knock) -> str:
    found = GENIE_KEY.fullmatch(knock.authorization)
    if found is None:
        raise NotTaken(UNKNOWN, 401)
    return found[1]


def _with_alias(body: bytes) -> bytes:
    try:
        document = load(body)
    except Unreadable:
        return body  # it waits in quarantine, as it came
    if not isinstance(document, dict) or not document or as_text(document.get("alias")):
        return body
    return with_member(body, "alias", uuid.uuid4().hex)


def _accepted(stored: int, began: float) -> Mapping[str, Any]:
    return {
        "result": "Request will be processed",
        "took": round(time.perf_counter() - began, 3),
        "requestId": looking.request_id(stored),
    }


register_door(
    Door(
        ALERTS,
        "opsgenie",
        open_call,
        UNKNOWN,
        LIMITED,
        unknown_status=401,
        longest=LONGEST,
        too_long=TOO_LONG,
        has_rooms=True,
        methods=("GET", "POST", "PUT"),
        look=look,
    )
)
