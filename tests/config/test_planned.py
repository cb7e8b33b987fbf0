"""Statements that a connection plans once."""

import pytest
from django.db import DataError, NotSupportedError, connection, connections, transaction
from django.forms.models import model_to_dict

from config.organisation.models import ApiToken, Scope, User
from config.planned import Planned, PlannedRow
from tests.config import make

DOUBLE = Planned("test_double", ("bigint",), "SELECT $1 * 2, '%'")
KNOWN = "SELECT count(*) FROM pg_prepared_statements WHERE name ~ '^test_double_[0-9]+$'"


def known() -> int:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN)
        (count,) = cursor.fetchone()
    return int(count)


@pytest.mark.django_db
def test_is_told_to_a_connection_once():
    assert [DOUBLE.rows(each) for each in (2, 3)] == [[(4, "%")], [(6, "%")]]

    assert known() == 1


@pytest.mark.django_db
def test_outlives_what_is_rolled_back():
    with transaction.atomic():
        DOUBLE.rows(2)
        transaction.set_rollback(True)

    assert DOUBLE.rows(5) == [(10, "%")]
    assert known() == 1


def test_is_told_to_each_connection_anew(fresh_db):
    DOUBLE.rows(2)
    connection.close()

    assert DOUBLE.rows(2) == [(4, "%")]
    assert known() == 1


@pytest.fixture
def widened(fresh_db):
    """A column has another type than when the statement was told."""
    make.user("alice")
    assert ALICE.get("alice") is not None
    with connections["owner"].cursor() as owner:
        owner.execute("ALTER TABLE config_user ALTER COLUMN name TYPE varchar(400)")


def test_is_told_anew_once_a_column_has_another_type(widened: None):
    assert ALICE.get("alice") is not None


def test_costs_one_transaction_that_was_begun_before(widened: None):
    with pytest.raises(NotSupportedError), transaction.atomic():
        ALICE.get("alice")

    with transaction.atomic():
        assert ALICE.get("alice") is not None


@pytest.mark.django_db
def test_raises_what_django_raises():
    with pytest.raises(DataError), transaction.atomic():
        DOUBLE.rows("nine")


@pytest.mark.django_db
def test_counts_as_one_question(django_assert_num_queries):
    unheard = Planned("test_unheard", ("bigint",), "SELECT $1")

    with django_assert_num_queries(2):
        unheard.rows(1)
        unheard.rows(1)


ALICE = PlannedRow("test_user", "text", lambda name: User.objects.filter(username=name).order_by())
WITH_OWNER = PlannedRow(
    "test_token",
    "text",
    lambda digest: ApiToken.objects.select_related("owner", "use").filter(digest=digest).order_by(),
)


def test_gives_the_row_as_django_does(alice: User):
    found = ALICE.get("alice")

    assert found is not None
    assert found.__dict__.keys() == User.objects.get(pk=alice.pk).__dict__.keys()
    assert model_to_dict(found) == model_to_dict(alice)
    assert not found._state.adding
    assert ALICE.get("nobody") is None


def test_brings_along_what_is_selected_along(alice: User, django_assert_num_queries):
    digest = ApiToken.digest_of(make.token(alice, Scope.INCIDENT_READ))

    with django_assert_num_queries(1):
        found = WITH_OWNER.get(digest)
        assert found is not None
        assert (found.owner, found.scopes) == (alice, [Scope.INCIDENT_READ])
        assert not hasattr(found, "use")


def test_refuses_a_queryset_in_which_more_differs():
    narrowed = PlannedRow(
        "test_more", "bigint", lambda key: User.objects.filter(pk=key, username="alice")
    )

    with pytest.raises(TypeError, match="one value"):
        narrowed.get(1)
