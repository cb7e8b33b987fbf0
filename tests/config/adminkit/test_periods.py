"""Lists by when something was: whole days and seconds, and words where an end can't be read."""

import datetime
import warnings
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from config import clock
from config.adminkit.periods import PeriodFilter
from config.organisation.models import User
from incidents.catalog.models import Service
from tests.config import make
from tests.harness.kept import kept
from tests.incidents import make as make_incidents

LIST = "/admin/incidents/incident/"
MOMENTS = {
    "the day before": "2026-03-01T23:59:59.999999",
    "midnight": "2026-03-02T00:00:00",
    "half past two": "2026-03-02T14:30:00.700000",
    "the last moment": "2026-03-02T23:59:59.999999",
    "the day after": "2026-03-03T00:00:00",
}
NAMES = list(MOMENTS)


@kept
def moments(checkout: Service) -> None:
    for title, at in MOMENTS.items():
        with clock.simulated(datetime.datetime.fromisoformat(f"{at}+00:00")):
            make_incidents.incident(title, service=checkout)


@pytest.fixture
def analyst(bob: User) -> Client:
    return make.browser(bob)


def opened(**ends: str) -> str:
    return f"{LIST}?{urlencode({f'opened_at_{end}': said for end, said in ends.items()})}"


def listed(analyst: Client, **ends: str) -> list[str]:
    rows = analyst.get(opened(**ends)).context["cl"].result_list
    return [row.title for row in sorted(rows, key=lambda row: row.opened_at)]


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        ({}, NAMES),
        ({"from_0": "2026-03-02"}, NAMES[1:]),
        ({"to_0": "2026-03-02"}, NAMES[:4]),
        ({"from_0": "2026-03-02", "to_0": "2026-03-02"}, NAMES[1:4]),
        ({"from_0": "2026-03-02", "from_1": "00:00:01"}, NAMES[2:]),
        ({"to_0": "2026-03-02", "to_1": "14:30"}, NAMES[:3]),
        ({"to_0": "2026-03-02", "to_1": "14:29:59"}, NAMES[:2]),
        ({"from_0": "2026-03-02", "from_1": "23:59:59", "to_0": "2026-03-02"}, NAMES[3:4]),
        ({"from_0": "2026-03-03", "to_0": "2026-03-02"}, []),
        ({"from_0": "2026-03-02", "from_1": "14:30:00.9"}, NAMES[2:]),
        ({"from_0": "9999-12-31"}, []),
        ({"to_0": "9999-12-31"}, NAMES),
    ],
)
def test_lists_from_one_moment_to_another_both_included(
    moments: None, analyst: Client, ends: dict[str, str], found: list[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert listed(analyst, **ends) == found


@pytest.mark.parametrize(
    "ends",
    [
        {"from_0": "yesterday"},
        {"to_0": "2026-02-30"},
        {"from_1": "14:30"},
        {"from_0": "2026-03-02", "from_1": "25:00"},
    ],
)
def test_says_what_it_cannot_read(moments: None, analyst: Client, ends: dict[str, str]) -> None:
    answer = analyst.get(opened(**ends))

    (said,) = map(str, get_messages(answer.wsgi_request))
    assert said.startswith(f"The filter 'opened at' can't read '{' '.join(ends.values())}'")
    assert (answer.status_code, answer["Location"]) == (302, LIST)


def test_leaves_out_nothing_else(moments: None, analyst: Client) -> None:
    answer = analyst.get(f"{opened(from_0='2026-03-02', to_0='tomorrow')}&attention=open&q=last")

    assert answer["Location"] == f"{opened(from_0='2026-03-02')}&attention=open&q=last"
    rows = analyst.get(answer["Location"]).context["cl"].result_list
    assert [row.title for row in rows] == [NAMES[3]]


@pytest.mark.parametrize("other", ["nosuchfield", "title_to_1"])
def test_names_another_filter_that_the_list_does_not_have(analyst: Client, other: str) -> None:
    answer = analyst.get(f"{opened(from_0='2026-03-02')}&{other}=1")

    (said,) = map(str, get_messages(answer.wsgi_request))
    assert f"no filter '{other}' any more" in said


def test_refuses_what_stands_there_twice(moments: None, analyst: Client) -> None:
    answer = analyst.get(f"{opened(from_0='')}&opened_at_from_0=2026-03-02")

    (said,) = map(str, get_messages(answer.wsgi_request))
    assert said.startswith("The filter 'opened_at_from_0' stands there twice.")


def test_shows_what_was_asked_for(moments: None, analyst: Client) -> None:
    page = analyst.get(opened(from_0="2026-03-02", to_0="2026-03-05", to_1="10:00"))

    (spec,) = (each for each in page.context["cl"].filter_specs if isinstance(each, PeriodFilter))
    form = next(spec.choices(page.context["cl"]))["form"]
    assert not form.errors
    text = page.content.decode()
    assert all(f'value="{said}"' in text for said in ("2026-03-02", "2026-03-05", "10:00"))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(
    ("from_0", "from_1", "to_0", "to_1"), st.text(max_size=20)
)))  # fmt: skip
def test_answers_whatever_stands_there(db: Any, root: User, ends: dict[str, str]) -> None:
    assert make.browser(root).get(opened(**ends)).status_code in (200, 302)
