"""Masked fields: in answers, lists, pages and histories, for who does not need them."""

from typing import Any

import pytest
from rest_framework import serializers

from config.access.masking import Unmaskable, mask, masked, masked_in_lists
from config.access.rules import Level, Role, level
from config.access.visibility import Access
from config.apikit.masking import for_reader, may_be_left_out
from config.organisation.models import Team, User
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from incidents.lifecycle.operations import let_in
from tests.config import make
from tests.incidents import make as make_incidents

pytestmark = pytest.mark.django_db
MASKED = {"revenue_per_hour", "data_sensitivity", "is_regulatory"}


class CostOut(serializers.ModelSerializer[Incident]):
    """Shows a masked field under another name."""

    cost = serializers.IntegerField(source="revenue_per_hour", read_only=True)

    class Meta:
        model = Incident
        fields = read_only_fields = ("reference", "cost")


@pytest.fixture
def costly(checkout: Service, alice: User) -> Incident:
    incident = make_incidents.incident(service=checkout, actor=alice)
    incident.revenue_per_hour, incident.title = 77_777, "Costly"
    return incident.save_as(alice, "revenue_per_hour", "title")


@pytest.fixture
def vera(costly: Incident, alice: User, payments: Team) -> User:
    """Of a vendor: let into the incident, and nothing more."""
    person = make.user("vera", name="Vera Vendor")
    make.role(Role.VENDOR_USER, to=person, on=payments)
    let_in(costly, person, actor=alice)
    return person


def shown(reader: User, incident: Incident) -> Any:
    (found,) = for_reader(CostOut, [incident], [CostOut(incident).data], reader)
    return found


def test_drops_the_field_from_answers_whatever_its_name_there(
    costly: Incident, vera: User, bob: User, carol: User, root: User
) -> None:
    assert shown(vera, costly) == {"reference": costly.reference}
    for reader in (bob, carol, root):
        assert shown(reader, costly)["cost"] == 77_777
    assert may_be_left_out(CostOut) == {"cost"}


def test_drops_it_from_the_history_of_the_api(costly: Incident, vera: User, bob: User) -> None:
    def fields(reader: User) -> set[str]:
        path = f"/api/v1/incidents/{costly.reference}/history/"
        rows = make.api(reader).get(path).json()["results"]
        return {change["field"] for row in rows for change in row["changes"]}

    assert fields(bob) - fields(vera) == {"revenue_per_hour"}
    assert "title" in fields(vera)


def test_drops_it_from_the_history_of_the_admin(costly: Incident, vera: User, bob: User) -> None:
    def text(reader: User) -> str:
        page = make.browser(reader).get(f"/admin/incidents/incident/{costly.pk}/history/")
        return str(page.content.decode())

    assert "77777" in text(bob).replace(",", "")
    assert "77777" not in text(vera).replace(",", "")
    assert "Costly" in text(vera)


def test_has_no_column_for_what_some_row_hides(bob: User, carol: User, root: User) -> None:
    assert masked_in_lists(Access(bob), Incident) == MASKED
    assert masked_in_lists(Access(carol), Incident) == set()
    assert masked_in_lists(Access(root), Incident) == set()


def test_asks_for_each_row(costly: Incident, vera: User, mallory: User, tracking: Service) -> None:
    theirs = make_incidents.incident(service=tracking)

    assert masked(Access(mallory), theirs) == set()
    assert masked(Access(mallory), costly) == masked(Access(vera), costly) == MASKED


def test_refuses_to_mask_what_is_not_there() -> None:
    with pytest.raises(Unmaskable):
        mask(Incident, level(Level.RESPOND), "colour")
