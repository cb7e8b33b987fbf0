"""What a scope rule must hold before it can be activated."""

from config.errors import Blocker
from config.events.operations import guard
from incidents.scoping.models import ScopeRuleVersion
from incidents.scoping.rules import problems_of


@guard(f"policy.activate:{ScopeRuleVersion.policy_kind}")
def rule_brings_something_in(version: ScopeRuleVersion) -> list[Blocker]:
    """A rule by which nothing is in scope would switch the product off."""
    return problems_of(list(version.rules.values("in_scope")))
