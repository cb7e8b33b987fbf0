"""Who answers for what: which domain of teams answers for which layer of a component."""
