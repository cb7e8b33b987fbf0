"""The builder as a form: what it shows, what it takes, and what it does with spare rows."""

import pytest
from django import forms
from django.http import QueryDict

from config.conditions.forms import BuilderField
from tests.config.conditions.test_rules import SUBJECT, tree
from tests.harness.pages import SentForm

SAID = tree(("crew", "at_least", 10), ("cargo", "has_any", ["oil", "salt"]), match="any")


class Ship(forms.Form):
    rule = BuilderField(subject=SUBJECT, required=False)


def test_sends_back_what_it_shows() -> None:
    page = SentForm(str(Ship(initial={"rule": SAID})["rule"]))
    form = Ship(page.sent, initial={"rule": SAID})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["rule"] == SAID
    assert not form.has_changed()


def test_names_every_control() -> None:
    assert SentForm(str(Ship(initial={"rule": SAID})["rule"])).unnamed == []


def test_offers_a_spare_row_and_a_spare_group() -> None:
    page = str(Ship(initial={"rule": SAID})["rule"])
    assert 'name="rule-0-2-field"' in page
    assert 'name="rule-1-0-field"' in page


def test_takes_a_new_condition_without_scripts() -> None:
    page = SentForm(str(Ship()["rule"]))
    page.sent["rule-0-0-field"] = "crew"
    page.sent["rule-0-0-operator"] = "at_most"
    page.sent["rule-0-0-value"] = "12"
    form = Ship(page.sent)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["rule"] == tree(("crew", "at_most", 12))


def test_says_which_condition_is_wrong_and_keeps_what_was_entered() -> None:
    page = SentForm(str(Ship(initial={"rule": SAID})["rule"]))
    page.sent["rule-0-0-value"] = "<many>"
    form = Ship(page.sent)
    assert form.errors["rule"] == ["Group 1, condition 1: Crew: Enter a whole number."]
    assert 'value="&lt;many&gt;"' in str(form["rule"])


@pytest.mark.parametrize("name", ["rule-99999999999-0-field", "rule-x-0-field", "rule-0--field"])
def test_survives_names_that_no_page_has(name: str) -> None:
    form = Ship(QueryDict(f"rule-match=all&{name}=crew"))
    assert form.is_valid()
    assert form.cleaned_data["rule"]["groups"] == []
