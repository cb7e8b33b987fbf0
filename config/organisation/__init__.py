"""People, service accounts, business units, teams and API tokens."""
