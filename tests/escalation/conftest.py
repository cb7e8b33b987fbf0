"""What the tests of escalation share."""

import datetime

from config import clock
from config.organisation.models import User
from escalation.policies.models import EscalationPolicyVersion
from incidents.catalog.models import Service
from incidents.lifecycle.models import Incident
from tests.config import make as people
from tests.escalation import make
from tests.escalation.make import START
from tests.harness.kept import kept
from tests.incidents import make as make_incidents


@kept
def dora() -> User:
    """Somebody above the team, who may be paged last."""
    return people.user("dora", name="Dora Dunn")


@kept
def reachable(alice: User, bob: User, dora: User) -> None:
    """Everybody has one verified mail address."""
    for person in (bob, alice, dora):
        make.contact(person, f"{person.username}@example.org")


@kept
def policy(reachable: None, bob: User, alice: User, dora: User) -> EscalationPolicyVersion:
    """bob has 5 minutes, then alice 10, then dora 15; once through."""
    with clock.simulated(START - datetime.timedelta(days=1)):
        return make.policy(
            [make.person_tier(bob), make.person_tier(alice, 10), make.person_tier(dora, 15)]
        )


@kept
def incident(policy: EscalationPolicyVersion, checkout: Service) -> Incident:
    """Opened by a tool at START."""
    with clock.simulated(START):
        return make_incidents.incident("Checkout is slow", service=checkout)
