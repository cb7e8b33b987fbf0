"""The documents in docs/ say what is: their examples run, what they name exists."""
