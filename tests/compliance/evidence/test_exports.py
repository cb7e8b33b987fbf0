"""Ordering, running, losing, resuming and downloading exports."""

import datetime
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django_q.models import OrmQ

from compliance.evidence import exporting
from compliance.evidence.exporting import run_export
from compliance.evidence.models import AuditRequest, Export, ExportProgress, ExportState
from compliance.evidence.operations import file_of, order_export
from config import clock
from config.due import jobs
from config.errors import Refused
from config.events.models import Event
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from tests.compliance.make import approved, audit_request, exported
from tests.config import make
from tests.harness.databases import current

LIST = "/api/v1/exports/"
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def request_(carol: User, lena: User, incident: Incident) -> AuditRequest:
    """An approved request of everything."""
    return approved(carol, by=lena)


def _content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_is_ordered_and_downloaded_through_the_api(carol: User, request_: AuditRequest) -> None:
    client = make.api(carol)
    ordered = client.post(LIST, {"request": request_.pk})
    address = f"{LIST}{ordered.json()['id']}/"
    early = client.get(f"{address}download/")

    run_export(ordered.json()["id"])

    shown = client.get(address).json()
    answer = client.get(f"{address}download/")
    content = _content(answer)
    export = Export.objects.get()
    assert (ordered.status_code, ordered.json()["state"], early.status_code) == (201, "queued", 409)
    assert (shown["state"], shown["size"], shown["sha256"]) == (
        "ready", len(content), exporting.sha256_of(file_of(export)),
    )  # fmt: skip
    assert answer.headers["Content-Type"] == "application/zip"
    assert content == file_of(export).read_bytes()
    assert file_of(export).stat().st_mode & 0o777 == 0o600
    kinds = Event.objects.filter(kind__startswith="export.").order_by("pk")
    assert [(each.kind, each.actor.username, each.origin) for each in kinds] == [
        ("export.ordered", "carol", "api"),
        ("export.created", "watchbill", "job"),
        ("export.downloaded", "carol", "api"),
    ]
    rows = client.get(f"{address}history/").json()["results"]
    assert [(row["actor"], row["origin"]) for row in rows] == [
        ("watchbill", "job"), ("watchbill", "job"), ("carol", "api"),
    ]  # fmt: skip


def test_is_ordered_and_downloaded_in_the_admin(carol: User, request_: AuditRequest) -> None:
    browser = make.browser(carol)
    browser.post(f"/admin/compliance/auditrequest/{request_.pk}/do/export/")
    export = Export.objects.get()
    page = f"/admin/compliance/export/{export.pk}"
    waiting = browser.get(f"{page}/change/").content.decode()
    early = browser.get(f"{page}/download/", follow=True)

    run_export(export.pk)

    ready = browser.get(f"{page}/change/").content.decode()
    answer = browser.get(f"{page}/download/")
    assert "Not ready yet" in waiting
    assert "<progress" in waiting
    assert "This export isn&#x27;t ready." in early.content.decode()
    assert f"{page}/download/" in ready
    assert _content(answer) == file_of(export).read_bytes()
    assert Event.objects.filter(kind="export.downloaded", actor=carol, origin="admin").count() == 1
    desk = browser.get("/admin/").content.decode()
    assert "My exports" in desk
    assert page in desk
    assert "Download the pack" in browser.get("/admin/compliance/export/").content.decode()
    request_page = f"/admin/compliance/auditrequest/{request_.pk}/change/"
    assert "Download the pack" in browser.get(request_page).content.decode()


def test_needs_an_approved_request(carol: User, root: User) -> None:
    request = audit_request(carol)

    answer = make.api(carol).post(LIST, {"request": request.pk})
    with pytest.raises(Refused):
        order_export(request, actor=root)

    assert (answer.status_code, answer.json()["code"]) == (409, "audit_not_approved")
    assert not Export.objects.exists()


def test_is_queued_with_its_order_or_not_at_all(carol: User, request_: AuditRequest) -> None:
    with transaction.atomic():
        order_export(request_, actor=carol)
        transaction.set_rollback(True)
    before = OrmQ.objects.count(), Export.objects.count()
    export = order_export(request_, actor=carol)

    assert before == (0, 0)
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"]) == (
        "compliance.evidence.exporting.run_export",
        (export.pk,),
    )


def test_is_under_way_once(carol: User, lena: User, request_: AuditRequest) -> None:
    barrier, found = threading.Barrier(2), []

    def order(person: User) -> None:
        barrier.wait(timeout=10)
        try:
            found.append(order_export(AuditRequest.objects.get(), actor=person).state)
        except Refused as refusal:
            found.append(refusal.public_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=order, args=(person,)) for person in (carol, lena)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(found) == ["export_running", "queued"]
    assert (Export.objects.count(), OrmQ.objects.count()) == (1, 1)


def test_survives_ten_runs(carol: User, request_: AuditRequest) -> None:
    export = order_export(request_, actor=carol)

    for _ in range(10):
        run_export(export.pk)
    run_export(export.pk + 1)

    assert list(export.history.order_by("history_id").values_list("state", flat=True)) == [
        "queued", "running", "ready",
    ]  # fmt: skip
    assert Event.objects.filter(kind="export.created").count() == 1
    assert [path.name for path in file_of(export).parent.iterdir()] == [f"{export.key}.zip"]


def _killed(request: AuditRequest, actor: User, *, silent: datetime.timedelta) -> Export:
    """An export whose run ended without a word, and what it left behind."""
    export = order_export(request, actor=actor)
    begun = exporting._begin(export.pk, uuid.uuid4())
    assert begun is not None
    root = file_of(export).parent
    root.mkdir(parents=True, exist_ok=True)
    (root / f".{export.key}.{'0' * 32}.draft.abcd").write_bytes(b"half")
    ExportProgress.objects.update(seen_at=clock.now() - silent)
    return Export.objects.get(pk=export.pk)


def test_leaves_a_living_run_alone(carol: User, request_: AuditRequest) -> None:
    export = _killed(request_, carol, silent=MINUTE / 2)

    run_export(export.pk)
    with pytest.raises(Refused):
        order_export(request_, actor=carol)
    assert jobs.run("resume_exports", clock.now()) == 0

    export.refresh_from_db()
    assert (export.state, export.is_stalled) == (ExportState.RUNNING, False)


def test_is_begun_again_by_the_queue(carol: User, request_: AuditRequest) -> None:
    export = _killed(request_, carol, silent=2 * MINUTE)

    run_export(export.pk)

    export.refresh_from_db()
    assert (export.state, export.progress.runs) == (ExportState.READY, 2)
    assert [path.name for path in file_of(export).parent.iterdir()] == [f"{export.key}.zip"]


def test_is_begun_again_by_the_watchman(carol: User, request_: AuditRequest) -> None:
    export = _killed(request_, carol, silent=2 * MINUTE)
    page = f"/admin/compliance/export/{export.pk}/change/"
    assert "Its job has stopped" in make.browser(carol).get(page).content.decode()

    assert jobs.run("resume_exports", clock.now()) == 1
    assert jobs.run("resume_exports", clock.now()) == 0

    assert OrmQ.objects.count() == 2
    run_export(export.pk)
    export.refresh_from_db()
    assert export.state == ExportState.READY
    restarted = Event.objects.get(kind="export.restarted")
    assert (restarted.actor.username, restarted.origin) == ("watchbill", "job")


def test_is_begun_again_by_ordering_it_again(carol: User, request_: AuditRequest) -> None:
    export = _killed(request_, carol, silent=2 * MINUTE)

    again = make.api(carol).post(LIST, {"request": request_.pk})

    assert (again.status_code, again.json()["id"], again.json()["state"]) == (
        201, export.pk, "queued",
    )  # fmt: skip
    assert Export.objects.count() == 1


def test_is_begun_again_when_its_connection_was_cut(
    carol: User, request_: AuditRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = order_export(request_, actor=carol)

    def cut(*args: Any) -> Iterator[Any]:
        with psycopg.connect(current().owner_url) as owner, connection.cursor() as cursor:
            process = cursor.connection.info.backend_pid
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
            yield cursor.execute("SELECT 1")

    monkeypatch.setattr(exporting, "_counted", cut)
    run_export(export.pk)

    export.refresh_from_db()
    assert (export.state, export.error) == (ExportState.RUNNING, "")
    assert list(file_of(export).parent.glob("*.draft")) == []
    monkeypatch.undo()
    ExportProgress.objects.update(seen_at=clock.now() - 2 * MINUTE)
    assert jobs.run("resume_exports", clock.now()) == 1
    run_export(export.pk)
    export.refresh_from_db()
    assert (export.state, export.progress.runs) == (ExportState.READY, 2)


def test_says_what_the_database_refuses(
    carol: User, request_: AuditRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = order_export(request_, actor=carol)

    def too_slow(*args: Any) -> Iterator[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            yield cursor.execute("SELECT pg_sleep(1)")

    monkeypatch.setattr(exporting, "_counted", too_slow)
    with pytest.raises(OperationalError, match="statement timeout"):
        run_export(export.pk)

    export.refresh_from_db()
    assert (export.state, "statement timeout" in export.error) == (ExportState.FAILED, True)


def test_is_given_up_after_three_runs(carol: User, request_: AuditRequest) -> None:
    export = _killed(request_, carol, silent=2 * MINUTE)
    ExportProgress.objects.update(runs=3)

    run_export(export.pk)

    export.refresh_from_db()
    assert (export.state, "half-way 3 times" in export.error) == (ExportState.FAILED, True)
    assert order_export(request_, actor=carol).pk != export.pk


def test_yields_to_the_run_that_took_over(
    carol: User, request_: AuditRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = order_export(request_, actor=carol)
    write = exporting.write_pack

    def slow(*args: Any, **kwargs: Any) -> Any:
        written = write(*args, **kwargs)
        monkeypatch.undo()
        ExportProgress.objects.update(seen_at=clock.now() - 2 * MINUTE)
        run_export(export.pk)
        return written

    monkeypatch.setattr(exporting, "write_pack", slow)
    settings_of = file_of(export).parent
    run_export(export.pk)

    export.refresh_from_db()
    assert export.state == ExportState.READY
    assert export.sha256 == exporting.sha256_of(settings_of / f"{export.key}.zip")
    assert Event.objects.filter(kind="export.created").count() == 1
    assert len(list(settings_of.iterdir())) == 1


def test_says_that_it_failed(
    carol: User, request_: AuditRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = order_export(request_, actor=carol)

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OSError("No space left on device")

    monkeypatch.setattr(exporting, "write_pack", broken)
    with pytest.raises(OSError, match="No space"):
        run_export(export.pk)

    export.refresh_from_db()
    assert (export.state, export.error) == ("failed", "OSError: No space left on device")
    assert Event.objects.filter(kind="export.failed").count() == 1
    assert make.api(carol).get(f"{LIST}{export.pk}/download/").status_code == 409


def test_tells_how_far_it_is(
    carol: User, request_: AuditRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = order_export(request_, actor=carol)
    seen: list[int] = []

    def halfway(path: Path, *args: Any, progress: Any, **kwargs: Any) -> Any:
        progress(50, 200)
        seen.append(_wait_for_percent(export, 25))
        raise OSError("enough")

    monkeypatch.setattr(exporting, "write_pack", halfway)
    with pytest.raises(OSError, match="enough"):
        run_export(export.pk)

    assert seen == [25]


def _wait_for_percent(export: Export, percent: int) -> int:
    done = threading.Event()
    for _ in range(100):
        found: int = make.api(export.ordered_by).get(f"{LIST}{export.pk}/").json()["percent"]
        if found == percent:
            return found
        done.wait(0.05)
    return -1


def test_is_unknown_to_strangers(
    carol: User, lena: User, alice: User, mallory: User, incident: Incident
) -> None:
    export = exported(carol, by=lena)

    for person in (alice, mallory):
        client, browser = make.api(person), make.browser(person)
        assert client.get(LIST).json()["results"] == []
        for tail in ("", "history/", "download/"):
            assert client.get(f"{LIST}{export.pk}/{tail}").status_code == 404
        assert client.post(LIST, {"request": export.request_id}).status_code == 400
        for tail in ("change", "history", "download"):
            page = browser.get(f"/admin/compliance/export/{export.pk}/{tail}/")
            assert page.status_code == 404
    assert Event.objects.filter(kind="export.downloaded").count() == 0
