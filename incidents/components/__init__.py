"""Components, and what depends on what."""
