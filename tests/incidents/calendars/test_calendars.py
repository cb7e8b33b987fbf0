"""Operating calendars: entered, expanded to rows, asked."""

import datetime

import pytest

from config import clock
from config.access.rules import Role
from config.due.jobs import run
from config.organisation.models import BusinessUnit, User
from incidents.calendars.models import OpenPeriod, OperatingCalendar
from incidents.calendars.operations import edit_calendar, expand, status_of
from incidents.catalog.models import Service
from incidents.catalog.operations import is_in_hours, set_region
from tests.config import make as people
from tests.incidents import make

pytestmark = pytest.mark.django_db
URL = "/api/v1/calendars/"
ADD = "/admin/incidents/operatingcalendar/add/"
WEEK = {"monday": "09:00-17:00", "friday": "09:00-12:00, 13:00-15:00"}


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.fixture
def dora(retail: BusinessUnit) -> User:
    """Administers retail."""
    person = people.user("dora")
    people.role(Role.UNIT_ADMINISTRATOR, to=person, on=retail)
    return person


@pytest.fixture
def tokyo(db: None) -> OperatingCalendar:
    return make.calendar("tokyo", zone="Asia/Tokyo", holiday_country="JP")


@pytest.fixture
def new_york(db: None) -> OperatingCalendar:
    return make.calendar("new-york", zone="America/New_York", holiday_country="US")


def test_is_entered_and_changed_over_the_api(dora: User) -> None:
    client = people.api(dora)
    body = {"key": "berlin", "name": "Berlin", "unit": "retail", "time_zone": "Europe/Berlin"}

    added = client.post(URL, {**body, **WEEK, "holiday_country": "de", "holiday_region": "BE"})
    changed = client.patch(
        f"{URL}berlin/", {"friday": "", "reason": "long week-ends"}, HTTP_IF_MATCH=added["ETag"]
    )

    assert (added.status_code, changed.status_code) == (201, 200), added.data
    stored = OperatingCalendar.objects.get()
    assert (stored.monday, stored.friday, stored.holiday_country) == ("09:00-17:00", "", "DE")
    assert stored.history.first().history_change_reason == "long week-ends"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"monday": "9 to 5"}, "#/monday"),
        ({"time_zone": "Mars/Base"}, "#/time_zone"),
        ({"holiday_country": "XX"}, "#/holiday_country"),
        ({"holiday_country": "DE", "holiday_region": "ZZ"}, "#/holiday_region"),
        ({"special_days": "whenever"}, "#/special_days"),
    ],
)
def test_names_the_field_that_is_wrong(dora: User, wrong: dict[str, str], pointer: str) -> None:
    body = {"key": "x", "name": "X", "unit": "retail", "time_zone": "UTC", **wrong}

    answer = people.api(dora).post(URL, body)

    assert answer.status_code == 400, answer.data
    assert [each["pointer"] for each in answer.data["errors"]] == [pointer]
    assert not OperatingCalendar.objects.exists()


def test_is_entered_in_the_admin(dora: User, retail: BusinessUnit) -> None:
    form = {"key": "berlin", "name": "Berlin", "unit": retail.pk, "time_zone": "Europe/Berlin"}

    wrong = people.browser(dora).post(ADD, {**form, "monday": "nine to five"})
    right = people.browser(dora).post(ADD, {**form, **WEEK})

    assert list(wrong.context["adminform"].form.errors) == ["monday"]
    assert right.status_code == 302
    assert OpenPeriod.objects.filter(calendar__key="berlin").exists()


def test_is_for_those_of_its_unit(dora: User, mallory: User) -> None:
    make.calendar("ours", unit=BusinessUnit.objects.get(key="retail"))
    make.calendar("everybodys")

    keys = {row["key"] for row in people.api(mallory).get(URL).data["results"]}
    answer = people.api(dora).post(URL, {"key": "x", "name": "X", "time_zone": "UTC"})

    assert keys == {"everybodys"}
    assert answer.status_code == 403


@pytest.mark.check("INC-01.3")
@pytest.mark.parametrize(
    ("at", "tokyo_is", "new_york_is", "day"),
    [
        ("2026-10-30T13:30:00Z", False, True, ""),  # 09:30 in New York, still summer time
        ("2026-11-02T13:30:00Z", False, False, ""),  # 08:30 there, winter time
        ("2026-11-02T14:30:00Z", False, True, ""),
        ("2026-03-06T13:30:00Z", False, False, ""),  # 08:30, winter time
        ("2026-03-09T13:30:00Z", False, True, ""),  # 09:30, summer time
        ("2026-11-20T01:00:00Z", True, False, ""),  # Friday 10:00 in Tokyo
        ("2026-11-23T01:00:00Z", False, False, "勤労感謝の日"),  # a holiday there, on a Monday
        ("2026-11-24T01:00:00Z", True, False, ""),
    ],
)
def test_answers_for_each_region_by_its_own_clock_and_holidays(
    checkout: Service, alice: User, tokyo, new_york, at: str, tokyo_is, new_york_is, day: str
) -> None:
    for region, calendar in (("jp", tokyo), ("us", new_york)):
        set_region(checkout, actor=alice, region=region, calendar=calendar)

    answer = people.api(alice).get("/api/v1/services/checkout/in-hours/", {"at": at})

    found = {each["region"]: each for each in answer.data["regions"]}
    assert (found["jp"]["in_hours"], found["us"]["in_hours"]) == (tokyo_is, new_york_is)
    assert answer.data["in_hours"] == (tokyo_is or new_york_is)
    assert found["jp"]["day"] == day
    assert is_in_hours(checkout, utc(at[:19])) == (tokyo_is or new_york_is)


def test_knows_nothing_of_a_service_without_hours(checkout: Service, alice: User) -> None:
    answer = people.api(alice).get("/api/v1/services/checkout/in-hours/")

    assert (answer.data["in_hours"], answer.data["regions"]) == (None, [])


@pytest.mark.parametrize("at", ["yesterday", "", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_refuses_what_is_no_instant(tokyo: OperatingCalendar, alice: User, at: str) -> None:
    answer = people.api(alice).get(f"{URL}tokyo/in-hours/", {"at": at})

    assert (answer.status_code, answer.data["errors"][0]["pointer"]) == (400, "#/at")


def test_has_the_same_hours_as_rows(new_york: OperatingCalendar) -> None:
    rows = OpenPeriod.objects.filter(calendar=new_york)
    hour = datetime.timedelta(hours=1)
    moments = [utc("2026-10-31 00:30") + number * hour for number in range(120)]

    in_rows = {at for at in moments if rows.filter(period__contains=at).exists()}

    assert in_rows == {at for at in moments if status_of(new_york, at).in_hours}
    assert in_rows


def test_changes_its_rows_with_its_hours(new_york: OperatingCalendar, root: User) -> None:
    before = set(OpenPeriod.objects.values_list("pk", flat=True))

    edit_calendar(new_york, actor=root, changes={"friday": ""})

    after = set(OpenPeriod.objects.values_list("pk", flat=True))
    assert after < before
    assert not any(row.period.lower.weekday() == 4 for row in OpenPeriod.objects.all())


def test_writes_no_row_twice(new_york: OperatingCalendar) -> None:
    now = clock.now()

    assert expand(new_york, now) == 0
    run("calendars.expand", now.replace(year=now.year + 1, month=1, day=2))
    assert OpenPeriod.objects.order_by("-period").first().period.lower.year == now.year + 3
