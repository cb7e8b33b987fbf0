"""All models of postmortems, collected for Django."""

from postmortems.reviews.models import Review

__all__ = ["Review"]
