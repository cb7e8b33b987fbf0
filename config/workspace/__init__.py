"""A person's own place to work: saved views of lists, and what they prefer."""
