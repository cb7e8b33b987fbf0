"""The demonstration company: whole, consistent, and never mixed with real data."""

import datetime
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.test import Client, override_settings
from rest_framework.test import APIClient

from config import clock
from config.audit.sealing import seal
from config.audit.tracking import Tracked
from config.audit.verify import verify
from config.due.models import DueRow, Installation
from config.due.worker import run_due
from config.errors import Refused
from config.governance.models import PolicyVersion
from config.organisation.models import User
from fixtures.demo import live
from fixtures.demo.seeding import seed_demo
from incidents.lifecycle.models import Incident
from incidents.taxonomy.models import Severity
from tests.config import make
from tests.harness import databases

FEW = 6
LOGINS = {
    *("admin", "analyst", "commander", "responder", "author", "approver", "compliance"),
    *("auditor", "stranger", "integrator"),
}


@pytest.fixture(scope="module")
def var(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A company with few incidents, in a database and in files of its own; for all tests here."""
    folder = tmp_path_factory.mktemp("var")
    files = {"SIGNING_KEY": "key.pem", "CHECKPOINT_DIR": "checkpoints", "EXPORT_ROOT": "exports"}
    places = {name: folder / file for name, file in files.items()}
    with django_db_blocker.unblock():
        clone = databases.make_clone()
        with databases.pointed_at(clone), override_settings(VAR=folder, **places):
            seed_demo(say=lambda _: None, count=FEW)
            yield folder
        databases.drop_clone(clone)


@pytest.fixture
def seeded(var: Path) -> dict[str, Any]:
    """What the seed left for the supervisor."""
    found: dict[str, Any] = json.loads((var / "demo-seed.json").read_text())
    return found


def test_leaves_its_file_to_nobody_else(var: Path, seeded: dict[str, Any]) -> None:
    mode = stat.S_IMODE((var / "demo-seed.json").stat().st_mode)

    assert mode == 0o600
    assert set(seeded) == {"logins", "ingest", "services"}
    assert set(seeded["logins"]) == LOGINS
    assert set(seeded["ingest"]) == {"alertmanager", "grafana", "pagerduty", "opsgenie", "generic"}


def test_lives_through_all_incidents(var: Path) -> None:
    assert Incident.objects.filter(conversions=None).count() == FEW + 1
    assert Installation.objects.get().is_demo


def test_signs_everybody_in(seeded: dict[str, Any]) -> None:
    people = {name: login for name, login in seeded["logins"].items() if "password" in login}

    assert set(people) == LOGINS - {"integrator"}
    for name, login in people.items():
        client = Client()
        said = {"login": login["username"], "password": login["password"]}
        answer = client.post("/accounts/login/?next=/admin/", said)
        assert (answer.status_code, answer["Location"]) == (302, "/admin/"), name
        assert client.get("/admin/").status_code == 200, name


def test_gives_everybody_a_token(seeded: dict[str, Any]) -> None:
    for name, login in seeded["logins"].items():
        client = APIClient(headers={"Authorization": f"Bearer {login['api_token']}"})
        answer = client.get("/api/v1/incidents/")
        assert answer.status_code == 200, name
        assert bool(answer.data["results"]) == (name != "stranger"), name


def test_names_who_is_on_call_for_every_service(seeded: dict[str, Any]) -> None:
    assert {service["tier"] for service in seeded["services"]} == {1, 2, 3, 4}
    on_call = [service["on_call"] for service in seeded["services"]]
    assert User.objects.people().filter(username__in=on_call).count() == len(set(on_call))


def test_changes_nothing_the_second_time(var: Path) -> None:
    before = counts()
    said: list[str] = []

    seed_demo(say=said.append, count=FEW)

    assert counts() == before
    assert said == ["The demonstration company is there already."]


def test_has_a_live_sev1_that_moves(var: Path) -> None:
    incident = Incident.objects.get(title=live.TITLE)
    before = incident.timeline.count()

    run_due(clock.now() + live.PAUSE)

    incident.refresh_from_db()
    assert (incident.severity, incident.is_open) == (Severity.SEV1, True)
    assert incident.acknowledged_by is not None
    assert incident.timeline.count() == before + 1


def test_leaves_nothing_undone_or_dead(var: Path) -> None:
    seeded = datetime.datetime.fromtimestamp((var / "demo-seed.json").stat().st_mtime, datetime.UTC)
    then = seeded - datetime.timedelta(minutes=5)  # when a seeding that took long began
    kinds: list[Any] = [model for model in apps.get_models() if issubclass(model, DueRow)]

    late = [row for kind in kinds for row in kind.objects.open().filter(next_at__lt=then)]
    dead = [row for kind in kinds for row in kind.objects.dead()]

    assert (late, dead) == ([], [])


def test_is_whole_by_the_rules_of_every_model(var: Path) -> None:
    kinds: list[Any] = [model for model in apps.get_models() if issubclass(model, Tracked)]
    wrong = {}

    for row in (row for kind in kinds for row in kind._base_manager.all()):
        try:
            row.full_clean(validate_unique=False, validate_constraints=not is_version(row))
        except ValidationError as error:
            wrong[f"{row._meta.label} {row.pk}"] = error.message_dict

    assert wrong == {}


def test_is_sealed_evidence(var: Path) -> None:
    seal()

    report = verify()

    assert report.ok, report.as_dict()
    assert report.entries == report.leaves


def test_is_never_mixed_with_real_data(fresh_db: Any) -> None:
    make.user("real")

    with pytest.raises(Refused) as refusal:
        seed_demo(say=lambda _: None, count=FEW)

    assert refusal.value.public_code == "demo_refused"
    assert not Installation.objects.get().is_demo
    assert not Incident.objects.exists()


def is_version(row: Any) -> bool:
    """Exclusion over ranges is the database's; Django's own check of it knows no multi-table."""
    return isinstance(row, PolicyVersion)


def counts() -> dict[str, int]:
    kinds: list[Any] = [model for model in apps.get_models() if issubclass(model, Tracked)]
    return {kind._meta.label: kind._base_manager.count() for kind in kinds}
