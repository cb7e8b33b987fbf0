"""The people and places of the tests.

The unit `retail` has the team `payments`, which owns the service `checkout` (tier 1); the unit
`freight` has the team `logistics`, which owns `tracking` (tier 3). alice commands the incidents of
payments, bob works on them, carol audits the whole enterprise, and mallory, who commands those of
logistics, is a stranger to everything of payments. Every test of access includes mallory.
"""

from config.access.rules import Role
from config.organisation.models import BusinessUnit, Team, User
from incidents.catalog.models import Service
from tests.config import make
from tests.harness.kept import kept
from tests.incidents import make as make_incidents


@kept
def retail() -> BusinessUnit:
    return make.unit("retail", name="Retail")


@kept
def payments(retail: BusinessUnit) -> Team:
    return make.team("payments", unit=retail, name="Payments")


@kept
def checkout(payments: Team) -> Service:
    return make_incidents.service("checkout", team=payments, tier=1, name="Checkout")


@kept
def freight() -> BusinessUnit:
    return make.unit("freight", name="Freight")


@kept
def logistics(freight: BusinessUnit) -> Team:
    return make.team("logistics", unit=freight, name="Logistics")


@kept
def tracking(logistics: Team) -> Service:
    return make_incidents.service("tracking", team=logistics, tier=3, name="Tracking")


@kept
def alice(payments: Team) -> User:
    """Incident commander of payments."""
    person = make.user("alice", name="Alice Abel")
    make.join(payments, person)
    make.role(Role.INCIDENT_COMMANDER, to=person, on=payments)
    return person


@kept
def bob(payments: Team) -> User:
    """Responder of payments."""
    person = make.user("bob", name="Bob Berg")
    make.join(payments, person)
    make.role(Role.ENGINEER, to=person, on=payments)
    return person


@kept
def carol() -> User:
    """Auditor of the enterprise: reads everything, writes nothing."""
    person = make.user("carol", name="Carol Cole")
    make.role(Role.AUDITOR, to=person)
    return person


@kept
def mallory(logistics: Team) -> User:
    """Commander of another unit's team."""
    person = make.user("mallory", name="Mallory Moss")
    make.join(logistics, person)
    make.role(Role.INCIDENT_COMMANDER, to=person, on=logistics)
    return person


@kept
def root() -> User:
    """A superuser."""
    return make.superuser("root", name="Root")
