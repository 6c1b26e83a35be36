"""Forms of the settings pages; every control carries the class of the design system."""

from typing import Any

from django import forms

from hub.accounts.models import TokenScope

INPUT, AREA, SELECT = {"class": "input"}, {"class": "textarea", "rows": 3}, {"class": "select"}


class ProfileForm(forms.Form):
    display_name = forms.CharField(
        max_length=100, required=False, label="Name", widget=forms.TextInput(INPUT)
    )
    bio = forms.CharField(max_length=300, required=False, label="About you", widget=forms.Textarea(AREA))


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100, label="What is it for?", widget=forms.TextInput({**INPUT, "autocomplete": "off"})
    )
    scope: Any = forms.ChoiceField(
        choices=[(TokenScope.READ, "Read"), (TokenScope.WRITE, "Read and write")],
        widget=forms.Select(SELECT),
        help_text="A token can do no more than you can.",
    )
