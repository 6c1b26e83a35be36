"""The words of the sign-in library in ours: the compiled catalogue is that of the source, and Django uses it."""

from __future__ import annotations

import ast
import gettext
import re

from django.conf import settings
from django.utils.translation import gettext as translated
from django.utils.translation import override

FOLDER = settings.LOCALE_PATHS[0] / "en" / "LC_MESSAGES"


def source() -> dict[str, str]:
    """The pairs of django.po; its strings are written as Python's are."""
    text = (FOLDER / "django.po").read_text(encoding="utf-8")
    found = re.findall(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n)+)', text, re.MULTILINE)
    pairs = [["".join(map(ast.literal_eval, part.splitlines())) for part in pair] for pair in found]
    return {key: value for key, value in pairs if key}


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert len(source()) > 50
    assert {key: compiled.gettext(key) for key in source()} == source()


def test_every_sentence_keeps_what_is_filled_in() -> None:
    marks = re.compile(r"%\(\w+\)s|%d")
    for key, value in source().items():
        assert set(marks.findall(value)) <= set(marks.findall(key)), key


def test_pages_use_it() -> None:
    with override("en"):
        assert translated("Two-Factor Authentication") == "Two-factor authentication"
        assert translated("Email") == "E-mail"
