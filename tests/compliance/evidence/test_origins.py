"""Whatever door a change comes through, the history says who, from where and why."""

from typing import Any

import pytest

from config import clock
from config.due import jobs
from config.organisation.models import User
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import edit
from tests.config import make

SEEN = ("actor", "origin", "reason")


def tidy(as_of: object) -> str:
    """A job that changes every incident."""
    row = Incident.objects.get()
    edit(row, actor=make.system(), changes={"title": "By a job"}, reason="Tidying")
    return row.title


@pytest.mark.check("CMP-04.3")
def test_shows_actor_origin_and_reason_of_each_change(
    incident: Incident, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_jobs", dict(jobs._jobs))
    jobs.job("test_tidying", every="daily")(tidy)
    address = f"/api/v1/incidents/{incident.reference}/"
    client, browser = make.api(alice), make.browser(alice)
    page = f"/admin/incidents/incident/{incident.pk}/change/"

    etag = client.get(address)["ETag"]
    by_api = client.patch(
        address,
        {"title": "By the API", "reason": "Clearer"},
        headers={"If-Match": etag},
    )
    by_admin = browser.post(
        f"/admin/incidents/incident/{incident.pk}/do/cancel/", {"reason": "A test"}
    )
    by_job = str(jobs.run("test_tidying", clock.now()))

    assert (by_api.status_code, by_admin.status_code, by_job) == (200, 302, "By a job")
    rows = client.get(f"{address}history/").json()["results"]
    assert [tuple(row[name] for name in SEEN) for row in rows[:3]] == [
        ("watchbill", "job", "Tidying"), ("alice", "admin", "A test"), ("alice", "api", "Clearer"),
    ]  # fmt: skip
    shown: Any = browser.get(page.replace("change", "history")).content.decode()
    for text in ("Clearer", "A test", "Tidying", "Alice Abel"):
        assert text in shown
    stored = incident.history.order_by("-history_id")[:3]
    assert [(row.history_user.username, row.origin) for row in stored] == [
        ("watchbill", "job"), ("alice", "admin"), ("alice", "api"),
    ]  # fmt: skip
