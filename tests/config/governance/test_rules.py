"""Content, hash and difference; the types of settings."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Invalid
from config.governance import registry
from config.governance.registry import (
    BySeverity,
    Choice,
    Integer,
    ListOf,
    Setting,
    SettingConflict,
    Tighter,
    UnitMay,
)
from config.governance.rules import Content, canonical, content_hash, diff

NAMES = st.text("abcdefgh", min_size=1, max_size=6)
VALUES = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=8)
ROWS = st.dictionaries(
    NAMES, st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=5
).map(lambda rows: [{"line": line, **row} for line, row in rows.items()])
CONTENTS = st.builds(
    Content,
    kind=st.just("table"),
    fields=st.dictionaries(NAMES, VALUES, min_size=1, max_size=5),
    parts=st.fixed_dictionaries({"cells": ROWS}),
)


@given(CONTENTS, st.randoms())
def test_hashes_alike_in_whatever_order(content, random):
    rows = [dict(random.sample(list(row.items()), len(row))) for row in content.parts["cells"]]
    random.shuffle(rows)
    fields = dict(random.sample(list(content.fields.items()), len(content.fields)))

    assert content_hash(Content("table", fields, {"cells": rows})) == content_hash(content)


@given(CONTENTS, VALUES, st.data())
def test_hashes_otherwise_when_any_field_changes(content, value, data):
    name = data.draw(st.sampled_from(sorted(content.fields)))
    row = data.draw(st.sampled_from(range(len(content.parts["cells"]))))
    changed = copy.deepcopy(content)
    changed.parts["cells"][row]["more"] = "x"
    fields = {**content.fields, name: [value]}

    assert content_hash(changed) != content_hash(content)
    assert content_hash(Content("table", fields, content.parts)) != content_hash(content)


@given(CONTENTS, CONTENTS)
def test_differs_exactly_where_the_hash_does(old, new):
    assert (diff(old, new) == []) == (_without_nulls(old) == _without_nulls(new))
    assert diff(old, old) == []


def _without_nulls(content):
    """A field that is empty in one and missing in the other says the same."""

    def kept(row):
        return {name: value for name, value in row.items() if value is not None}

    rows = sorted((kept(row) for row in content.parts["cells"]), key=lambda row: row["line"])
    said = [row for row in rows if len(row) > 1]
    return canonical(Content("table", kept(content.fields), {"cells": said}))


def test_matches_child_rows_by_line():
    old = Content(
        "t", {"rounds": 2}, {"tiers": [{"line": "a", "wait": 5}, {"line": "b", "wait": 9}]}
    )
    new = Content(
        "t", {"rounds": 3}, {"tiers": [{"line": "b", "wait": 8}, {"line": "c", "wait": 1}]}
    )

    found = [(c.what, c.part, c.line, c.field, c.old, c.new) for c in diff(old, new)]

    assert found == [
        ("changed", "", "", "rounds", 2, 3),
        ("removed", "tiers", "a", "wait", 5, None),
        ("changed", "tiers", "b", "wait", 9, 8),
        ("added", "tiers", "c", "wait", None, 1),
    ]


FOUR = {"SEV1": 1, "SEV2": 2, "SEV3": 3, "SEV4": 4}
BAD = [
    (Integer(1, 9, "minutes"), 0, "Enter a number of minutes between 1 and 9."),
    (Integer(1, 9, "minutes"), "5", "Enter a whole number of minutes."),
    (Integer(1, 9), True, "Enter a whole number."),
    (Integer(1, 9), 1.0, "Enter a whole number."),
    (BySeverity(Integer(1, 9)), {**FOUR, "SEV4": 10}, "SEV4: Enter a number between 1 and 9."),
    (BySeverity(), {"SEV1": 1}, "Give a value for each of SEV1, SEV2, SEV3, SEV4"),
    (BySeverity(), {**FOUR, "SEV5": 5}, "Give a value for each of"),
    (BySeverity(), [1, 2, 3, 4], "Give a value for each of"),
    (ListOf(("a", "b")), ["c"], "Choose from a, b."),
    (ListOf(("a", "b")), "a", "Choose from a, b."),
    (ListOf(("a", "b")), [["a"]], "Choose from a, b."),
    (Choice((("a", "First"), ("b", "Second"))), "c", "Choose one of a, b."),
    (Choice((("a", "First"),)), None, "Choose one of a."),
]


@pytest.mark.parametrize(("kind", "value", "text"), BAD)
def test_refuses_bad_values_and_says_what_to_enter(kind, value, text):
    with pytest.raises(Invalid) as refusal:
        kind.clean(value)

    assert refusal.value.detail.startswith(text)
    assert refusal.value.field == "value"


def test_stores_lists_in_the_order_of_the_options_and_once():
    assert ListOf(("a", "b", "c")).clean(["c", "a", "c"]) == ["a", "c"]


def test_shows_values_as_people_read_them():
    assert Integer(unit="days").show(7) == "7 days"
    assert (
        BySeverity(Integer(unit="minutes")).show(FOUR) == "SEV1 1, SEV2 2, SEV3 3, SEV4 4 minutes"
    )
    assert ListOf(("a",)).show([]) == "none"
    assert Choice((("a", "First"),)).show("a") == "First"


TIGHTER = [
    (Tighter.LOWER, 5, 5, True),
    (Tighter.LOWER, 6, 5, False),
    (Tighter.HIGHER, 6, 5, True),
    (Tighter.HIGHER, 4, 5, False),
    (Tighter.MORE, ["a", "b"], ["a"], True),
    (Tighter.MORE, ["b"], ["a"], False),
    (Tighter.FEWER, [], ["a"], True),
    (Tighter.FEWER, ["a", "b"], ["a"], False),
    (Tighter.LOWER, {**FOUR}, {**FOUR, "SEV1": 2}, True),
    (Tighter.LOWER, {**FOUR, "SEV4": 5}, {**FOUR}, False),
]


@pytest.mark.parametrize(("direction", "unit", "enterprise", "allowed"), TIGHTER)
def test_lets_units_tighten_only(direction, unit, enterprise, allowed):
    known = Setting("x.y", "X", _Any(), 5, UnitMay.TIGHTEN, direction)

    if allowed:
        known.check_unit_value(unit, enterprise)
    else:
        with pytest.raises(Invalid):
            known.check_unit_value(unit, enterprise)


class _Any:
    def clean(self, value):
        return value

    def show(self, value):
        return str(value)


def test_refuses_settings_that_contradict_themselves():
    for wrong in (
        Setting("ack.target_minutes", "Another", Integer(), 5),
        Setting("x.y", "No direction", Integer(), 5, UnitMay.TIGHTEN),
        Setting("x.z", "Bad order", ListOf(("a", "b")), ["b", "a"]),
    ):
        with pytest.raises(SettingConflict):
            registry.register(wrong)


def test_ships_these_settings():
    assert [each.key for each in registry.all_settings()] == [
        "access.breakglass_minutes",
        "ack.followup_minutes",
        "ack.target_minutes",
        "alerts.auto_resolve",
        "alerts.dedup_minutes",
        "alerts.inbox_retention_days",
        "alerts.resolve_hold_seconds",
        "alerts.to_intake",
        "cmdb.verify_days",
        "escalation.max_deferral_minutes",
        "ingest.rate_per_minute",
        "intake.baseline_tolerance_percent",
        "intake.max_open_fields",
        "lifecycle.reopen_days",
        "notify.sev1_min_channels",
        "postmortem.due_hours",
        "postmortem.mandatory_severities",
        "severity.provisional_minutes",
        "severity.provisional_roles",
    ]
