"""Acts on one record that are kept apart, whoever does them."""

import datetime

import pytest

from compliance.evidence.models import AuditRequest, RequestState
from compliance.evidence.operations import request_audit
from config import clock
from config.access.delegations import delegate
from config.access.rules import Role
from config.access.separation import Segregated, require_separate
from config.duties.models import SegregationVersion
from config.duties.rules import MATRIX_KEY
from config.events.models import Event
from config.governance.activation import activate
from config.governance.models import SettingVersion, VersionState
from config.governance.operations import approve, propose, submit
from config.organisation.models import User
from incidents.catalog.models import Service
from incidents.lifecycle.rules import State
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def request_of_root(matrix: SegregationVersion, root: User) -> AuditRequest:
    return request_audit(
        title="Evidence", period_from=clock.now() - DAY, period_until=clock.now(),
        reason="The audit", actor=root,
    )  # fmt: skip


def test_binds_superusers(request_of_root: AuditRequest, root: User, lena: User) -> None:
    with pytest.raises(Segregated):
        require_separate("evidence.decide", request_of_root, actor=root)

    require_separate("evidence.decide", request_of_root, actor=lena)


def test_counts_who_stands_in_as_the_same_person(
    request_of_root: AuditRequest, root: User, lena: User
) -> None:
    delegate(delegate=lena, until=clock.now() + DAY, reason="away", actor=root)

    answer = make.api(lena).post(f"/api/v1/audit-requests/{request_of_root.pk}/approve/", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "segregation_of_duties")
    request_of_root.refresh_from_db()
    assert request_of_root.state == RequestState.REQUESTED
    assert Event.objects.filter(kind="access.refused", actor=lena).exists()


def test_takes_a_new_pair_only_of_known_acts(matrix: SegregationVersion, eve: User) -> None:
    pair = {"first": "policy.write", "second": "moon.landing"}

    answer = make.api(eve).post("/api/v1/segregation-matrices/", {"act_pairs": [pair]})

    assert answer.status_code == 400
    assert not SegregationVersion.objects.filter(state=VersionState.DRAFT).exists()


def test_lets_others_do_the_other_half(matrix: SegregationVersion, eve: User, lena: User) -> None:
    make.role(Role.POLICY_APPROVER, to=make.user("second"))
    draft = propose(
        SettingVersion, "lifecycle.reopen_days", actor=eve, values={"value": 5}, reason="x"
    )

    require_separate("policy.approve", draft, actor=lena)
    with pytest.raises(Segregated):
        require_separate("policy.approve", draft, actor=eve)


def test_keeps_repair_and_closure_apart_where_the_matrix_says_so(
    matrix: SegregationVersion, alice: User, checkout: Service
) -> None:
    put_in_force("incident.repair", "incident.close")
    incident = make_incidents.incident(service=checkout, actor=alice)
    client, path = make.api(alice), f"/api/v1/incidents/{incident.reference}/"
    client.post(f"{path}resolve/", {})

    answer = client.post(f"{path}close/", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "segregation_of_duties")
    incident.refresh_from_db()
    assert incident.state == State.RESOLVED


def put_in_force(first: str, second: str) -> None:
    """The next version of the matrix, by people who may."""
    author, approver = make.user("wanda"), make.user("pia")
    make.role(Role.POLICY_AUTHOR, to=author)
    make.role(Role.POLICY_APPROVER, to=approver)
    pairs = [{"line": "fix", "first": first, "second": second}]
    draft = propose(
        SegregationVersion, MATRIX_KEY, actor=author, parts={"act_pairs": pairs}, reason="Fix"
    )
    version = submit(draft, actor=author)
    approve(version, actor=approver, content_hash=version.content_hash)
    activate(version, actor=approver)
