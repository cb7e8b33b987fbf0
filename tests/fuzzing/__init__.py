"""Coverage-guided fuzzing of what reads strangers' bytes: part of `make soak`."""
