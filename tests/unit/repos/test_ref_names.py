"""Names of branches and tags against the addresses they stand in."""

from __future__ import annotations

import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from repos.names import ENDINGS, ref_name_fault


@pytest.mark.parametrize("name", ["feature/changes", "a/b/commit", "x/restore", "x/discard", "x/rebase"])
def test_names_that_end_like_an_address_are_refused_with_the_reason(name: str) -> None:
    assert "last part" in (ref_name_fault(name) or "")


@pytest.mark.parametrize("name", ["changes", "commit", "changes/of-may", "a/changed", "commit/2", "restore"])
def test_names_that_only_look_like_it_are_fine(name: str) -> None:
    assert ref_name_fault(name) is None


def routes(under: URLResolver, before: str = "") -> list[str]:
    found: list[str] = []
    for each in under.url_patterns:
        text = before + str(each.pattern)
        found += [text] if isinstance(each, URLPattern) else routes(each, text)
    return found


def test_every_address_that_goes_on_behind_a_ref_is_known() -> None:
    behind = {
        end
        for route in routes(get_resolver())
        for end in re.findall(r"<path:(?:branch|ref|tag|spec|path|key)>/([^/<]+)\Z", route)
    }
    assert behind == set(ENDINGS)
