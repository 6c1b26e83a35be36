"""The strip above the changes while it is being counted."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string

from repos.web.summaries import Progress


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [(0, None, 0), (0, 10, 0), (1, 3, 33), (10, 10, 100), (12, 10, 100), (0, 0, 0)],
)
def test_percent(done: int, total: int | None, percent: int) -> None:
    assert Progress(done, total).percent == percent


def strip(progress: Progress | None) -> str:
    context = {"summary": None, "summary_state": "running", "progress": progress, "poll_url": "/x/summary"}
    return render_to_string("pulls/_summary.html", context)


def test_the_bar_fills_in() -> None:
    shown = strip(Progress(550_000, 2_200_000))
    assert 'aria-valuenow="25"' in shown
    assert 'style="width:25%"' in shown
    assert "25 % of 2,200,000 labels and samples compared" in shown
    assert 'hx-get="/x/summary"' in shown


def test_nothing_is_promised_before_the_total_is_known() -> None:
    assert "progressbar" not in strip(Progress(0, None))
    assert "progressbar" not in strip(None)
