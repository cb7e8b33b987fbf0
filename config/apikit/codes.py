"""The registry of public error codes: each has a page at `/problems/<code>`.

Rooms add the codes of their operations with `explain(...)` in their `rules.py` or `models.py`;
constraints with a message of their own are found in the models.
"""

from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.db import models


@dataclass(frozen=True)
class Code:
    """What a code means, and what to do about it."""

    title: str
    remedy: str
    status: int = 409


_codes: dict[str, Code] = {}


class CodeTaken(RuntimeError):
    """Two rooms explain one code differently."""


def explain(**codes: tuple[str, str] | tuple[str, str, int]) -> None:
    """Register codes: `explain(role_revoked=("The role was taken back", "Grant it anew."))`.

    A third item is the HTTP status; 409 without one.
    """
    for name, words in codes.items():
        code = Code(*words)
        if _codes.setdefault(name, code) != code:
            raise CodeTaken(name)


def find(name: str) -> Code | None:
    """The explanation of a code, or of a constraint."""
    return _codes.get(name) or constraint_codes().get(name)


def every() -> dict[str, Code]:
    """All codes, by name."""
    return dict(sorted({**constraint_codes(), **_codes}.items()))


@cache
def constraint_codes() -> dict[str, Code]:
    """A code for each named constraint of every model."""
    return {name: _describe(each) for name, each in constraints().items()}


@cache
def constraints() -> dict[str, models.BaseConstraint]:
    """All named constraints, by the name that the database reports."""
    return {each.name: each for model in apps.get_models() for each in model._meta.constraints}


def message_of(constraint: models.BaseConstraint) -> str:
    """The words for people; those of Django's own default name the constraint only."""
    if constraint.violation_error_message == models.BaseConstraint.default_violation_error_message:
        return f"The record would break a rule of the database: {constraint.name}."
    return str(constraint.violation_error_message)


def _describe(constraint: models.BaseConstraint) -> Code:
    return Code(message_of(constraint), "Change what you send so that the rule holds, and retry.")


explain(
    invalid=(
        "The request is not valid",
        "Each entry of `errors` names a field by JSON pointer, or a query parameter, and what is "
        "wrong with it. Correct these and send the request again.",
        400,
    ),
    malformed=("The body can't be read", "Send one JSON document in UTF-8.", 400),
    invalid_cursor=(
        "The page cursor is not one of ours",
        "Follow `next` and `previous` as they are, or start again without `cursor`.",
        400,
    ),
    unknown_parameter=(
        "There is no such query parameter",
        "See /api/docs/ for the parameters of this list; a misspelt filter would show too much.",
        400,
    ),
    idempotency_key_invalid=(
        "The Idempotency-Key can't be used",
        "Send 1 to 255 printable ASCII characters, such as a UUID.",
        400,
    ),
    not_authenticated=(
        "You are not signed in",
        "Send `Authorization: Bearer wb_pat_...` with a token that is in force.",
        401,
    ),
    token_unknown=("There is no such token", "Check the token, or have a new one made.", 401),
    token_revoked=("This token was revoked", "Have a new one made.", 401),
    token_expired=("This token has expired", "Have a new one made.", 401),
    owner_inactive=(
        "The token's owner is not active",
        "Use the token of somebody who is, or have the account activated.",
        401,
    ),
    not_allowed=(
        "You may see this but not do that",
        "Ask an administrator of its unit for a role that includes it.",
        403,
    ),
    human_required=(
        "Only a person can do this",
        "Service accounts never acknowledge, approve or decide: sign in as yourself.",
        403,
    ),
    scope_missing=("The token lacks a scope", "Make a token with the scope that is named.", 403),
    token_network=(
        "The token may not be used from this address",
        "Use it from one of its networks, or have them changed.",
        403,
    ),
    csrf_failed=(
        "The form's CSRF token is missing or wrong",
        "Reload the page. Programs use a bearer token, which needs no CSRF token.",
        403,
    ),
    not_found=(
        "There is nothing here that you may see",
        "Check the address; what you may not see answers the same as what does not exist.",
        404,
    ),
    method_not_allowed=("This can't be done here", "`Allow` lists the methods that can.", 405),
    not_acceptable=("We answer in JSON only", "Accept application/json.", 406),
    refused=("The record's state does not allow this", "`detail` says what is in the way.", 409),
    transition_refused=(
        "The record can't change into that state from this one",
        "`allowed` lists the verbs that it can take now.",
    ),
    blocked=(
        "Something must be done first",
        "Each entry of `blockers` says what, with a link to where it is done.",
    ),
    four_eyes=(
        "Somebody else must do this half",
        "Who wrote it does not approve it: ask a colleague who holds the role.",
    ),
    conflict=("The record conflicts with another", "Read both again before you retry."),
    idempotency_in_progress=(
        "The first request with this Idempotency-Key is still running",
        "Wait for it, then repeat the request: you get its answer.",
    ),
    stale=(
        "The record has changed since you read it",
        "Read it again, and send its current ETag in If-Match.",
        412,
    ),
    timeout=("The body came too slowly", "Send it within 30 seconds.", 408),
    too_large=("The body is too large", "Send at most 1 MiB.", 413),
    unsupported_media_type=("The body is not JSON", "Send Content-Type: application/json.", 415),
    idempotency_key_reused=(
        "This Idempotency-Key was used for another request",
        "Use a new key for each request, the old one only to repeat the same one.",
        422,
    ),
    precondition_required=(
        "Say which version you change",
        "Send the ETag of the version that you have read as If-Match.",
        428,
    ),
    too_many_requests=("You send too many requests", "Wait as long as Retry-After says.", 429),
    internal=(
        "Something went wrong on our side",
        "Nothing was changed. Tell your administrator the `request_id`: the log has the rest.",
        500,
    ),
    unavailable=("The service can't answer just now", "Retry after `Retry-After` seconds.", 503),
)
