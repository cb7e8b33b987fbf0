"""The governed rule that says which services are in scope, and whose failures are reportable."""
