"""The platform under `config/`."""
