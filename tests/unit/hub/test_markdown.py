from __future__ import annotations

import re

import pytest

from hub.web.markdown import render


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "![x](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="https://a" style="position:fixed">x</a>',
        "<iframe src=https://a></iframe>",
    ],
)
def test_nothing_that_runs_survives(hostile: str) -> None:
    html = render(hostile)
    assert "<script" not in html
    assert "<iframe" not in html
    assert "<img src=x" not in html
    assert 'href="javascript' not in html
    assert 'src="data' not in html
    assert '<a href="https://a" style' not in html


def test_what_a_card_needs() -> None:
    html = render(
        "---\nlicense: mit\n---\n# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "- [x] done\n\nhttps://example.org ~~old~~"
    )
    assert "license" not in html
    assert "<h1>Title</h1>" in html
    assert "<table>" in html
    assert re.search(r'<label><input [^>]*type="checkbox"[^>]*>\s*done</label>', html)
    assert 'href="https://example.org"' in html
    assert 'rel="nofollow ugc noopener"' in html
    assert "<s>old</s>" in html
