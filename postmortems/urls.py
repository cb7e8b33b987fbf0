"""Routes of postmortems."""

from postmortems.reviews.api import ReviewViewSet

api_routes = [("reviews", ReviewViewSet, "review")]
