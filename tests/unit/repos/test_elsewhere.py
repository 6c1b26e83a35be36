"""Media that the store does not hold: pages send a reader there, and load nothing from there."""

from __future__ import annotations

from typing import Any

import pytest

from repos.annotations.model import Media, MediaState, Sample
from repos.web.data import media_url
from repos.web.sample import elsewhere


def sample(uri: str) -> Sample:
    return Sample(media=Media(state=MediaState.EXTERNAL, media_type="image/jpeg", uri=uri))


def test_a_page_links_to_it_and_does_not_load_it() -> None:
    item: Any = type("Item", (), {"key": "a.jpg", "sample": sample("https://example.org/a.jpg")})
    revision: Any = None
    assert media_url(revision, revision, item) == ""
    assert elsewhere(item.sample) == "https://example.org/a.jpg"


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "s3://bucket/a.jpg", "data:text/html,x"])
def test_an_address_that_no_browser_should_open_is_no_link(uri: str) -> None:
    assert elsewhere(sample(uri)) == ""


def test_no_media_is_nowhere() -> None:
    assert elsewhere(Sample(text="words")) == ""
