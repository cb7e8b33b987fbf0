"""The quarterly governance review: what people say of the rules, and what was decided on it."""
