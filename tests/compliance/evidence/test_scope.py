"""What a pack holds: the approved scope, nothing beside it, no secrets."""

import datetime
from typing import Any

import pytest

from compliance.evidence.collecting import Collection
from compliance.evidence.enterprise import LEFT_OUT
from compliance.evidence.exporting import run_export
from compliance.evidence.models import Export
from compliance.evidence.operations import note_download, order_export
from compliance.evidence.rules import Scope
from config.access.rules import Role
from config.audit.models import LedgerEntry
from config.audit.tables import ledgered_models
from config.errors import NotAllowed
from config.events.models import RestrictedRead
from config.organisation.models import User
from config.origin import Origin
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import acknowledge, edit, let_in, resolve
from incidents.timeline.operations import add_note
from tests.compliance.make import SINCE, UNTIL, Pack, approved, exported
from tests.config import make
from tests.incidents import make as make_incidents

HISTORIES = ("incident_history",)
ABOUT = ("timeline", "key_time_claims", "pages")
SECRET = "Dismissal of a colleague"


def incident_ids(pack: Pack) -> dict[str, set[int]]:
    """Of every table that names incidents: which."""
    found = {part: {row["id"] for row in pack.rows(part)} for part in ("incidents", *HISTORIES)}
    found |= {part: {row["incident_id"] for row in pack.rows(part)} for part in ABOUT}
    for part in ("escalation_history", "review_history"):
        found[part] = {row["incident_id"] for row in pack.rows(part)}
    found["events"] = {
        row["subject_id"]
        for row in pack.rows("events")
        if row["subject_type"] == "incidents.incident"
    }
    runs = {row["id"]: row["incident_id"] for row in pack.rows("escalation_history")}
    found["escalation_records"] = {runs[row["run_id"]] for row in pack.rows("escalation_records")}
    return found


@pytest.fixture
def worked(incident: Incident, theirs: Incident, bob: User, alice: User, mallory: User) -> None:
    """Both incidents were worked on."""
    for found, person in ((incident, bob), (theirs, mallory)):
        acknowledge(found, actor=person)
        add_note(found, actor=person, text="Looking")
    resolve(incident, actor=bob)


@pytest.mark.check("CMP-05.1")
@pytest.mark.parametrize("by", ["unit", "service", "incident"])
def test_covers_only_the_approved_scope(
    carol: User, lena: User, incident: Incident, theirs: Incident, worked: None, by: str
) -> None:
    target: Any = incident if by == "incident" else getattr(incident, by)
    ordered = make.api(carol).post(
        "/api/v1/audit-requests/",
        {
            "title": "Scope", "reason": "Audit", "period_from": SINCE, "period_until": UNTIL,
            by: incident.reference if by == "incident" else target.key,
        },
    )  # fmt: skip
    assert ordered.status_code == 201
    pack = _through_the_api(carol, lena, ordered.json()["id"])

    ids = incident_ids(pack)
    assert {part: found for part, found in ids.items() if found - {incident.pk}} == {}
    assert all(ids[part] for part in ("incidents", "incident_history", "timeline", "events"))
    everything = b"".join(pack.files.values())
    assert b"Trucks are lost" not in everything
    assert theirs.reference.encode() not in everything
    assert pack.manifest["about"]["scope"][f"{by}_id"] == target.pk
    assert {row["subject_type"] for row in pack.rows("events")} == {"incidents.incident"}
    assert not {"user_history", "role_history", "grant_changes"} & set(pack.parts)
    assert _leaves_match(pack)


def _through_the_api(carol: User, lena: User, request_id: int) -> Pack:
    make.api(lena).post(f"/api/v1/audit-requests/{request_id}/approve/", {})
    ordered = make.api(carol).post("/api/v1/exports/", {"request": request_id})
    run_export(ordered.json()["id"])
    return Pack.of(Export.objects.get())


def _leaves_match(pack: Pack) -> bool:
    """Every sealed row has one leaf, and no leaf shows a row that isn't in a table."""
    sealed: int = sum(
        pack.manifest["files"][f"data/{part}.jsonl"]["rows"]
        for part in pack.parts
        if part not in ("incidents", "pages", "policy_versions")
    )
    return sealed == len([leaf for leaf in pack.leaves if not leaf["withheld"]])


@pytest.mark.check("CMP-05.1")
def test_covers_only_the_approved_period(
    carol: User, lena: User, incident: Incident, worked: None
) -> None:
    past = {"period_from": SINCE, "period_until": SINCE + datetime.timedelta(days=1)}

    pack = Pack.of(exported(carol, by=lena, **past))

    assert {part: pack.rows(part) for part in pack.parts if pack.rows(part)} == {}
    assert pack.leaves == []


def test_holds_everything_of_the_enterprise(
    carol: User, lena: User, incident: Incident, theirs: Incident, worked: None
) -> None:
    pack = Pack.of(exported(carol, by=lena))

    assert incident_ids(pack)["incidents"] == {incident.pk, theirs.pk}
    assert {row["username"] for row in pack.rows("user_history")} >= {"carol", "lena", "mallory"}
    assert {row["reason"] for row in pack.rows("role_history")} == {"test"}
    assert [row["state"] for row in pack.rows("audit_request_history")] == ["requested", "approved"]
    assert pack.rows("grant_changes")
    assert _leaves_match(pack)
    shown = {(leaf["table"], leaf["row_key"]) for leaf in pack.leaves}
    sealed = LedgerEntry.objects.filter(seq__lte=max(leaf["seq"] for leaf in pack.leaves))
    missing = {(row.table_name, row.row_key) for row in sealed} - shown
    assert {table for table, _ in missing} <= {
        "audit_origin", "config_historicalapitoken", "compliance_historicalexport",
        "config_event",
    }  # fmt: skip


def test_forgets_no_table_and_gives_no_secret(database: None) -> None:
    scope = Scope(period_from=SINCE, period_until=UNTIL)
    parts = Collection(scope, frozenset()).parts

    given = {part.rows.model._meta.label for part in parts}
    ledgered = {model._meta.label for model in ledgered_models()}
    assert ledgered - given == LEFT_OUT
    columns = {name for part in parts for name in part.columns}
    words = ("digest", "password", "secret", "token", "code", "address", "salt")
    harmless = {"closure_code_id", "cause_code_id", "reason_code"}
    told = [name for name in columns - harmless if any(word in name for word in words)]
    assert told == []


@pytest.fixture
def secret(incident: Incident, alice: User, carol: User) -> Incident:
    """A restricted incident, of which traces are everywhere."""
    edit(incident, actor=alice, changes={"title": SECRET, "is_restricted": True}, reason=SECRET)
    add_note(incident, actor=alice, text=SECRET)
    RestrictedRead.objects.create(
        actor=alice, subject_type="incidents.incident", subject_ids=[incident.pk],
        origin=Origin.API, what=SECRET,
    )  # fmt: skip
    make.api(alice).post(f"/api/v1/incidents/{incident.reference}/choose-time/", {})
    return incident


@pytest.mark.parametrize("scoped", [False, True])
def test_withholds_restricted_incidents(
    carol: User, lena: User, secret: Incident, theirs: Incident, alice: User, scoped: bool
) -> None:
    fields: dict[str, Any] = {"unit": secret.unit} if scoped else {}

    export = exported(carol, by=lena, **fields)

    pack = Pack.of(export)
    assert all(secret.pk not in found for found in incident_ids(pack).values())
    everything = b"".join(pack.files.values())
    assert SECRET.encode() not in everything
    assert secret.reference.encode() not in everything
    assert pack.manifest["about"]["withheld"]["incidents"] == 1
    withheld = [leaf for leaf in pack.leaves if leaf["withheld"]]
    assert pack.manifest["leaves"]["withheld"] == len(withheld) > 3
    assert {(leaf["row"], leaf["salt"]) for leaf in withheld} == {(None, None)}
    tables = {leaf["table"] for leaf in withheld}
    assert {"incidents_historicalincident", "incidents_timelineentry", "config_event"} <= tables
    assert ({"config_restrictedread", "audit_grant_change"} <= tables) is not scoped
    assert not export.holds_restricted


def test_withholds_refusals_at_a_restricted_incident(
    carol: User, lena: User, secret: Incident, bob: User, alice: User
) -> None:
    let_in(secret, bob, actor=alice)
    answer = make.browser(bob).post(
        f"/admin/incidents/incident/{secret.pk}/change/", {"is_restricted": ""}
    )
    refused = make.api(bob).post(f"/api/v1/incidents/{secret.reference}/close/", {})

    pack = Pack.of(exported(carol, by=lena))

    assert (answer.status_code < 500, refused.status_code) == (True, 403)
    told = [row["data"] for row in pack.rows("events") if row["kind"] == "access.refused"]
    assert secret.reference not in str(told)
    assert f"/incident/{secret.pk}/" not in str(told)


def test_gives_a_restricted_incident_to_who_may_see_it(
    carol: User, lena: User, secret: Incident, alice: User, root: User
) -> None:
    let_in(secret, carol, actor=alice)
    other = make.user("olaf")
    make.role(Role.AUDITOR, to=other)

    export = exported(carol, by=lena)
    pack = Pack.of(export)

    assert secret.pk in incident_ids(pack)["incidents"]
    assert pack.manifest["about"]["withheld"]["incidents"] == 0
    assert export.holds_restricted
    for person in (other, lena):
        with pytest.raises(NotAllowed):
            note_download(export, actor=person)
    assert make.api(other).get(f"/api/v1/exports/{export.pk}/download/").status_code == 403
    page = make.browser(other).get(f"/admin/compliance/export/{export.pk}/download/", follow=True)
    assert "only who asked for it" in page.content.decode()
    assert note_download(export, actor=carol).is_file()
    assert note_download(export, actor=root).is_file()


def test_withholds_what_whoever_orders_may_not_see(
    carol: User, lena: User, secret: Incident, alice: User
) -> None:
    let_in(secret, carol, actor=alice)
    export = order_export(approved(carol, by=lena), actor=lena)

    run_export(export.pk)

    pack = Pack.of(Export.objects.get())
    assert secret.pk not in incident_ids(pack)["incidents"]
    assert not Export.objects.get().holds_restricted


def test_includes_the_policy_by_which_incidents_were_judged(
    carol: User, lena: User, incident: Incident
) -> None:
    pack = Pack.of(exported(carol, by=lena, incident=incident))

    versions = {row["id"] for row in pack.rows("policy_versions")}
    assert versions == ({incident.severity_version_id} - {None})
    assert {row["policyversion_ptr_id"] for row in pack.rows("severitytableversion_history")} == (
        versions
    )
    assert pack.rows("settingversion_history") == []


def test_keeps_times_of_force_as_text(carol: User, lena: User) -> None:
    make_incidents.incident(actor=carol)

    pack = Pack.of(exported(carol, by=lena))

    for part in pack.parts:
        for row in pack.rows(part):
            assert row.get("in_force") is None or str(row["in_force"]).startswith("[")
