"""The forms that set passwords: by the operation, never by saving the user."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.widgets import UnfoldAdminPasswordWidget

from config.adminkit.verbs import VerbForm
from config.organisation.operations import set_password


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own password, with the old one."""

    def save(self, commit: bool = True) -> Any:
        """Call the operation."""
        set_password(self.user, password=self.cleaned_data["new_password1"], actor=self.user)
        return self.user


class GivenPasswordForm(VerbForm):
    """A password that an administrator gives to somebody."""

    password = forms.CharField(
        label="New password",
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Tell it to the person by another way than mail.",
    )

    def clean_password(self) -> str:
        """Refuse what is short or common."""
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password
