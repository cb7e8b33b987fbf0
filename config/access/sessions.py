"""Sessions in the database, found by a statement that is planned once a connection."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from config.planned import PlannedRow

_SESSION = PlannedRow(
    "session_by_key",
    "text",
    lambda key: Session.objects.filter(session_key=key, expire_date__gt=Now()).order_by(),
)


class SessionStore(db.SessionStore):
    """Django's own, in the same table."""

    def _get_session_from_db(self) -> Session | None:
        found = _SESSION.get(self.session_key)
        if found is None:
            self._session_key = None
        return found
