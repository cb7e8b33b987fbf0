"""allauth's hooks: sign-ins and failures are events, and only people sign in with a password."""

import hashlib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from config.access import accounts
from config.organisation.models import User
from config.organisation.operations import set_password

# Passwords are allauth's business; whose a session is our backend finds.
SESSIONS_BY = "config.access.backends.ContainerBackend"


class AccountAdapter(DefaultAccountAdapter):
    """Signing in and out. There is no sign-up, and a password is reset by an administrator."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are made by administrators."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Check the password; being locked out counts as a failure too."""
        try:
            return super().authenticate(request, **credentials)
        except Exception:
            accounts.record_failure(_login_of(credentials), because="locked_out")
            raise

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """One count per account. allauth's own names the Host too, whose port anybody may vary."""
        return hashlib.sha256(_login_of(credentials).lower().encode()).hexdigest()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record it, without saying to the visitor whether the account exists."""
        accounts.record_failure(_login_of(credentials), because="wrong_credentials")

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """Closed accounts, and those of tools, don't sign in."""
        if not user.is_active or not user.is_person:
            accounts.record_failure(user.username, because="not_a_person_or_closed")
            return self.respond_user_inactive(request, user)  # type: ignore[no-any-return]  # allauth has no types
        return None

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Sign in, and record it."""
        user.backend = SESSIONS_BY  # what Django keeps in the session
        super().login(request, user)
        if isinstance(user, User):
            accounts.record_sign_in(user)

    def set_password(self, user: User, password: str) -> None:
        """By our operation: saving a user past the history is closed."""
        set_password(user, password=password, actor=user)


def _login_of(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "")
