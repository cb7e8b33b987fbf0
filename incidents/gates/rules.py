"""What a template demands of an incident at a stage, and what it lacks. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from config.apikit.codes import explain
from config.conditions.rules import Facts, Tree, matches


class Stage(StrEnum):
    """When a field becomes mandatory; what an earlier stage demands holds at the later ones too."""

    OPEN = "open"
    TRIAGE = "triage"
    RESOLVE = "resolve"
    CLOSE = "close"


class Answer(StrEnum):
    """What counts as an answer."""

    ANY = "any"
    AT_LEAST = "at_least"
    ONE_OF = "one_of"


ORDER = tuple(Stage)
ANY = "any"
# Where an incident comes from, as `Incident.source` has it.
CHANNELS = ("person", "api", "alert", "import")
# The fields that can be demanded, by the names that admin, API and alert intake share.
FIELDS: Mapping[str, str] = {
    "title": "Title",
    "description": "Description",
    "service": "Service",
    "level": "Level",
    "type": "Type",
    "category": "Category",
    "cause_code": "Cause code",
    "closure_code": "Closure code",
    "tags": "Tags",
    "users_affected": "Users affected",
    "revenue_per_hour": "Revenue lost per hour",
    "exposure": "Exposure",
    "data_sensitivity": "Sensitivity of the data",
    "is_regulatory": "A regulator must be told",
    "started_at": "Time of the start",
    "detected_at": "Time of detection",
    "mitigated_at": "Time of mitigation",
    "restored_at": "Time of restoration",
}
# What a tool can say of an incident when it opens one: more would send its alerts to quarantine.
FROM_ALERTS = frozenset(
    {
        *("title", "description", "service", "level", "type", "category", "tags"),
        *("started_at", "detected_at"),
    }
)
# What nobody can say of an incident when it opens, whichever way it comes in.
NOT_AT_OPEN = frozenset({"closure_code", "mitigated_at", "restored_at"})


@dataclass(frozen=True)
class Demand:
    """One row of a template, ready to be asked."""

    field: str
    stage: Stage
    answer: Answer
    tree: Tree
    least: int = 0
    options: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Lack:
    """A field that is missing, or whose value doesn't do."""

    field: str
    code: str
    text: str


def key_of(kind: str, channel: str) -> str:
    """The key of the template for a type and a channel."""
    return f"{kind or ANY}--{channel or ANY}"


def place_of(key: str) -> tuple[str, str]:
    """Type and channel of a template's key."""
    kind, _, channel = key.partition("--")
    return kind, channel


def keys_for(kinds: Sequence[str], channel: str) -> list[str]:
    """The templates that could hold, the closest first: types from the nearest up, then any."""
    return [key_of(kind, way) for kind in (*kinds, ANY) for way in (channel, ANY)]


def lacks(
    demands: Iterable[Demand], stage: Stage, values: Mapping[str, Any], facts: Facts
) -> list[Lack]:
    """What the stage demands and the values don't give: each field once, at its earliest stage."""
    reached = ORDER[: ORDER.index(stage) + 1]
    asked = sorted(
        (each for each in demands if each.stage in reached and matches(each.tree, facts)),
        key=lambda each: ORDER.index(each.stage),
    )
    found: dict[str, Lack] = {}
    for demand in asked:
        lack = _lack(demand, values.get(demand.field))
        if lack is not None:
            found.setdefault(demand.field, lack)
    return list(found.values())


def keeps(own: Demand, held: Demand) -> bool:
    """Whether what meets the first demand meets the second: no later, no rarer, as strictly."""
    return (
        own.field == held.field
        and ORDER.index(own.stage) <= ORDER.index(held.stage)
        and (own.tree.is_always or own.tree == held.tree)
        and _is_as_strict(own, held)
    )


def _is_as_strict(own: Demand, held: Demand) -> bool:
    match held.answer:
        case Answer.AT_LEAST if own.answer == Answer.ONE_OF:
            return all(len(option) >= held.least for option in own.options)
        case Answer.AT_LEAST:
            return own.answer == Answer.AT_LEAST and own.least >= held.least
        case Answer.ONE_OF:
            return own.answer == Answer.ONE_OF and set(own.options) <= set(held.options)
    return True


def said_of(demand: Demand) -> str:
    """A demand in words, as what must stay."""
    words = f"{FIELDS[demand.field]} must stay mandatory to {demand.stage}"
    if demand.answer == Answer.AT_LEAST:
        words += f", with at least {demand.least} characters"
    elif demand.answer == Answer.ONE_OF:
        words += f", as one of {', '.join(demand.options)}"
    return words if demand.tree.is_always else f"{words}, on no more conditions"


def _lack(demand: Demand, value: Any) -> Lack | None:
    label, stage = FIELDS[demand.field], demand.stage.value
    hint = f" {demand.hint}" if demand.hint else ""
    if value is None or value in ("", []):
        text = f"{label} is needed to {stage} it.{hint}"
        return Lack(demand.field, f"required_at_{stage}", text)
    said = _listed(value)
    if demand.answer == Answer.AT_LEAST and len(" ".join(said)) < demand.least:
        text = f"{label} needs at least {demand.least} characters to {stage} it.{hint}"
    elif demand.answer == Answer.ONE_OF and not set(said) <= set(demand.options):
        text = f"{label} must be one of {', '.join(demand.options)} to {stage} it.{hint}"
    else:
        return None
    return Lack(demand.field, f"invalid_at_{stage}", text)


def _listed(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(each) for each in value]
    return [str(getattr(value, "key", value)).strip()]


def shipped_demands() -> list[dict[str, Any]]:
    """The template for every type and channel: whoever names a type says how it ended as well."""
    typed = {
        "match": "all",
        "groups": [
            {
                "match": "all",
                "conditions": [{"field": "type", "operator": "is_known", "value": None}],
            }
        ],
    }
    rows = (
        ("title", Stage.OPEN, None, ""),
        ("level", Stage.OPEN, None, ""),
        ("category", Stage.TRIAGE, typed, "Choose the category that describes it best."),
        ("cause_code", Stage.RESOLVE, typed, "A review may correct it later."),
        ("restored_at", Stage.RESOLVE, typed, "Claim the time at which the service was back."),
        ("closure_code", Stage.CLOSE, typed, ""),
    )
    return [
        {
            "line": f"{stage}-{field}",
            "field": field,
            "stage": str(stage),
            "hint": hint,
            **({"conditions": tree} if tree else {}),
        }
        for field, stage, tree, hint in rows
    ]


explain(
    **{
        f"required_at_{stage}": (
            f"A field is needed to {stage} an incident",
            "Fill in the fields that are named; the intake template asks for them.",
            400,
        )
        for stage in ORDER
    },
    **{
        f"invalid_at_{stage}": (
            f"A field doesn't do to {stage} an incident",
            "Give what the intake template asks for; the text says what that is.",
            400,
        )
        for stage in ORDER
    },
    template_loosened=(
        "The enterprise's template demands more than the unit's would",
        "Keep what it demands: ask for it at the same stage or earlier, as strictly, and on no "
        "more conditions.",
    ),
    too_many_open_fields=(
        "Too many fields would be mandatory when an incident opens",
        "Demand some of them at a later stage, or have policy intake.max_open_fields changed.",
    ),
    field_not_at_open=(
        "This field can't be known when an incident opens",
        "Demand it at a later stage.",
    ),
    alerts_cannot_give=(
        "No alert says this when it opens an incident",
        "Demand it at a later stage, or from other channels.",
    ),
)
