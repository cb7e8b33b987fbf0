"""Severity by level and tier, and the table that says so."""

import re

import pytest
from django.urls import reverse

from config.access.rules import Role
from config.governance.activation import activate
from config.governance.in_force import active
from config.governance.models import VersionState
from config.governance.operations import approve, new_draft, save_draft, submit
from incidents.taxonomy.impact import Impact
from incidents.taxonomy.models import SeverityTableVersion
from incidents.taxonomy.operations import cells_of, classify, seed_severity_table
from incidents.taxonomy.rules import LEVELS, SHIPPED, TIERS, problems_of
from tests.config import make
from tests.harness.kept import kept
from tests.harness.pages import form_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/severity-tables/"
EXPECTED = {
    "critical": ["SEV1", "SEV2", "SEV3", "SEV4"],
    "error": ["SEV2", "SEV3", "SEV3", "SEV4"],
    "warning": ["SEV3", "SEV3", "SEV4", "SEV4"],
    "info": ["SEV4", "SEV4", "SEV4", "SEV4"],
}


@kept
def table():
    return seed_severity_table(make.system())


@kept
def author():
    person = make.user("anna")
    make.role(Role.POLICY_AUTHOR, to=person)
    return person


@kept
def approvers():
    people = make.user("paul"), make.user("petra")
    for person in people:
        make.role(Role.POLICY_APPROVER, to=person)
    return people


def judged(level, tier, **when):
    found = classify(Impact(level, tier), **when)
    return found.severity, found.version


def rows_of(version):
    return [
        {"line": cell.line, "level": cell.level, "tier": cell.tier, "severity": cell.severity}
        for cell in version.cells.order_by("line")
    ]


def put_in_force(draft, author, approver):
    submit(draft, actor=author, reason="Because")
    approve(draft, actor=approver, content_hash=draft.content_hash)
    return activate(draft, actor=author)


@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("level", LEVELS)
def test_reads_the_shipped_table(level, seeded):
    version = seed_severity_table(make.system()) if seeded else None

    found = [judged(level, tier) for tier in TIERS]

    assert found == [(severity, version) for severity in EXPECTED[level]]


def test_counts_no_service_as_tier_3(table):
    assert judged("critical", None) == ("SEV3", table)


def test_is_complete_as_shipped():
    assert problems_of(SHIPPED) == []


def test_says_which_version_decided(table, author, approvers):
    draft = new_draft(table.policy, actor=author)
    cells = [
        {**row, "severity": "SEV3"} if row["line"] == "error-1" else row for row in rows_of(draft)
    ]
    save_draft(draft, actor=author, parts={"cells": cells})
    before = active("severity_table", "default")
    put_in_force(draft, author, approvers[0])

    severity, version = judged("error", 1)

    assert (severity, version) == ("SEV3", draft)
    assert before == table
    assert judged("error", 1, at=table.in_force.lower) == ("SEV2", table)


def test_keeps_the_rows_that_did_not_change(table, author):
    draft = new_draft(table.policy, actor=author)
    before = dict(draft.cells.values_list("line", "pk"))
    cells = [
        {**row, "severity": "SEV3"} if row["line"] == "error-1" else row for row in rows_of(draft)
    ]

    save_draft(draft, actor=author, parts={"cells": cells})

    after = dict(draft.cells.values_list("line", "pk"))
    assert {line for line in after if after[line] != before[line]} == {"error-1"}


@pytest.mark.parametrize(
    ("change", "code"),
    [("missing", "severity_table_incomplete"), ("mild", "severity_table_too_mild")],
)
def test_refuses_to_activate_a_bad_table(table, author, approvers, change, code):
    client = make.api(author)
    made = client.post(URL, {"change_reason": "Try"})
    cells = [cell for cell in made.data["cells"] if change == "mild" or cell["level"] != "info"]
    for cell in cells:
        if (cell["level"], cell["tier"], change) == ("critical", 1, "mild"):
            cell["severity"] = "SEV3"
    row = f"{URL}{made.data['id']}/"
    saved = client.patch(row, {"cells": cells}, headers={"If-Match": made.headers["ETag"]})
    assert (saved.status_code, len(saved.data["cells"])) == (200, len(cells))
    client.post(f"{row}submit/")
    make.api(approvers[0]).post(f"{row}approve/")

    answer = client.post(f"{row}activate/")

    assert (answer.status_code, answer.data["code"]) == (409, "blocked")
    assert answer.data["blockers"][0]["code"] == code
    stored = SeverityTableVersion.objects.get(pk=made.data["id"])
    assert stored.state == VersionState.APPROVED
    assert judged("critical", 1) == ("SEV1", table)


def test_begins_a_draft_with_the_cells_in_force(table, author):
    made = make.api(author).post(URL, {"change_reason": "Try"})

    assert made.status_code == 201, made.data
    assert len(made.data["cells"]) == 16
    draft = SeverityTableVersion.objects.get(pk=made.data["id"])
    assert cells_of(draft) == dict(SHIPPED)


@pytest.mark.parametrize(
    "cells",
    [
        [{"level": "loud", "tier": 1, "severity": "SEV1"}],
        [{"level": "info", "tier": 5, "severity": "SEV1"}],
        [{"level": "info", "tier": 1, "severity": "SEV9"}],
        [{"level": "info", "tier": 1, "severity": "SEV1"}] * 2,
        "all",
        [1],
    ],
)
def test_refuses_bad_cells(table, author, cells):
    answer = make.api(author).post(URL, {"change_reason": "Try", "cells": cells})

    assert (answer.status_code, answer.data["code"]) == (400, "invalid")
    assert SeverityTableVersion.objects.count() == 1


def field_of(form, line, draft, name):
    """The name of a cell's control on the page."""
    pk = str(draft.cells.get(line=line).pk)
    number = next(
        key.split("-")[1] for key in form if re.match(r"cells-\d+-id$", key) and form[key] == pk
    )
    return f"cells-{number}-{name}"


def test_saves_form_and_rows_of_the_admin_as_one_change(table, author):
    draft = new_draft(table.policy, actor=author)
    page = reverse("admin:incidents_severitytableversion_change", args=(draft.pk,))
    browser = make.browser(author)
    form = form_of(browser.get(page))
    form["change_reason"] = "Late"
    for line in ("error-1", "info-1"):
        form[field_of(form, line, draft, "severity")] = "SEV3"

    answer = browser.post(page, form)

    assert answer.status_code == 302, answer.context["errors"]
    expected = {**SHIPPED, ("error", 1): "SEV3", ("info", 1): "SEV3"}
    assert cells_of(draft) == expected
    stored = SeverityTableVersion.objects.get(pk=draft.pk)
    assert (stored.revision, stored.change_reason) == (draft.revision + 1, "Late")
    assert set(draft.cells.values_list("line", flat=True)) == {
        row.line for row in table.cells.all()
    }


def test_swaps_two_rows_in_the_admin(table, author):
    draft = new_draft(table.policy, actor=author)
    page = reverse("admin:incidents_severitytableversion_change", args=(draft.pk,))
    browser = make.browser(author)
    form = form_of(browser.get(page))
    first, second = (field_of(form, line, draft, "tier") for line in ("critical-1", "critical-2"))
    tiers = str(form[first]), str(form[second])
    form[second], form[first] = tiers

    answer = browser.post(page, form)

    assert answer.status_code == 302, answer.context["errors"]
    assert draft.cells.get(line="critical-1").tier == 2
    assert draft.cells.count() == 16


def test_begins_a_draft_in_the_admin(table, author):
    add = reverse("admin:incidents_severitytableversion_add")

    answer = make.browser(author).post(add, {"key": "default", "unit": ""})

    draft = SeverityTableVersion.objects.get(state=VersionState.DRAFT)
    assert answer.headers["Location"].endswith(f"/{draft.pk}/change/")
    assert cells_of(draft) == dict(SHIPPED)
