"""Insights, a commit's page, the history of a sample: complete HTML, without script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from repos.annotations.edits import SnapshotEdit
from repos.annotations.schema import Schema
from repos.models import CommitRecord, Repository, Role
from repos.operations import Author, edit_from
from repos.services import commits, statistics
from repos.storage import derived
from tests.factories import data
from tests.factories import repos as make

pytestmark = pytest.mark.django_db
Captured = Callable[..., Any]


def page(path: str, status: int = 200) -> str:
    answer = Client().get(path)
    assert answer.status_code == status, answer.content[:2000]
    return answer.content.decode()


@pytest.fixture
def streets() -> Repository:
    repository = make.repository(make.user("alice"), "streets")
    data.streets(repository, 12)
    return repository


def test_insights_of_any_revision(streets: Repository) -> None:
    first = data.head(streets)
    data.commit(streets, data.delete_box("train/0001.jpg", 3), message="Drop a person")
    now, then = page("/alice/streets/insights"), page(f"/alice/streets/insights/{first}")
    assert re.search(r"Boxes</div><div class=\"big\">17<", now)
    assert re.search(r"Boxes</div><div class=\"big\">18<", then)
    for heading in (
        "Class balance",
        "Boxes per sample",
        "Label size",
        "Co-occurrence",
        "Splits and annotators",
    ):
        assert heading in now
    assert now.count('<svg class="ch"') == 4
    assert '<th scope="row">car</th>' in now


def test_what_is_not_counted_yet_shows_its_progress_and_fills_in(
    streets: Repository,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Captured,
    inline_tasks: None,
) -> None:
    monkeypatch.setattr(statistics, "SMALL", 0)
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        waiting = page("/alice/streets/insights")
    assert "Counting labels" in waiting
    poll = re.search(r'hx-get="([^"]+)"', waiting)
    assert poll is not None
    for callback in callbacks:
        callback()
    part = page(poll.group(1).replace("&amp;", "&"))
    assert "<html" not in part
    assert "Class balance" in part


def test_equal_contents_are_told_with_the_splits_they_are_in(streets: Repository) -> None:
    assert "No two samples have the same content." in page("/alice/streets/insights")
    data.commit(
        streets,
        data.put_sample("train/twin.jpg", text="twins", fields={"split": "train"}),
        data.put_sample("val/twin.jpg", text="twins", fields={"split": "val"}),
        data.put_sample("train/other.jpg", text="same", fields={"split": "train"}),
        data.put_sample("train/same.jpg", text="same", fields={"split": "train"}),
    )
    shown = page("/alice/streets/insights")
    assert "2 surplus samples, 1 content in several splits" in shown
    listed = page("/alice/streets/insights?view=duplicates")
    assert "4 samples in 2 groups of equal content; 2 of them in several splits" in listed
    rows = re.findall(r'<tr><th scope="row" class="brk">(.*?)</tr>', listed)
    assert [re.findall(r">([a-z]+/[a-z]+\.jpg)<", row) for row in rows] == [
        ["train/twin.jpg", "val/twin.jpg"],
        ["train/other.jpg", "train/same.jpg"],
    ]
    assert ["leaks" in row for row in rows] == [True, False]
    data.commit(streets, {"op": "delete_sample", "key": "val/twin.jpg"})
    assert "1 surplus sample, 0 contents in several splits" in page("/alice/streets/insights")


def test_quality_over_commits_is_filled_in_by_a_job(
    streets: Repository, django_capture_on_commit_callbacks: Captured, inline_tasks: None
) -> None:
    assert "Quality over commits" not in page("/alice/streets/insights")
    derived.forget(streets.network_id)
    derived._remembered.cache_clear()
    data.commit(streets, data.put_box("train/0000.jpg", 900, x=10.0), message="A double")
    data.commit(streets, data.delete_box("train/0001.jpg", 3), message="One person less")
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        waiting = page("/alice/streets/insights")
    assert "the last 3 commits, 2 of them still to be counted" in waiting
    assert "come back in a moment" in waiting
    for callback in callbacks:
        callback()
    shown = page("/alice/streets/insights")
    assert "the last 3 commits</span>" in shown
    rows = re.findall(r'<tr><th scope="row">[0-9a-f]{7} (.*?)</th>(.*?)</tr>', shown)
    figures = {title: re.findall(r">([\d,]+)<", cells) for title, cells in rows}
    assert figures == {
        "First labels": ["18", "0", "12", "6"],
        "A double": ["19", "1", "13", "6"],
        "One person less": ["18", "1", "13", "5"],
    }
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        page("/alice/streets/insights")
    assert not callbacks


def test_suspects_and_checks_lead_to_the_label(streets: Repository) -> None:
    data.commit(
        streets,
        data.put_box("train/0000.jpg", 900, x=10.0),
        data.put_sample("train/none.jpg", fields={"split": "train"}),
        message="A double, and a sample without labels",
    )
    suspects = page("/alice/streets/insights?view=suspects")
    assert "marked twice" in suspects
    assert re.search(r"/alice/streets/sample/main/train/0000\.jpg#a-[0-9a-f]{32}", suspects)
    checks = page("/alice/streets/insights?view=checks")
    assert "Nobody has labelled it" in checks
    assert "/alice/streets/sample/main/train/none.jpg" in checks
    sample = page("/alice/streets/sample/main/train/0000.jpg")
    anchor = re.search(r"#(a-[0-9a-f]{32})", suspects)
    assert anchor is not None
    assert f'id="{anchor.group(1)}"' in sample


def test_an_empty_repository_and_a_hidden_one() -> None:
    empty = make.repository(make.user("bob"), "empty")
    assert "Insights" in page(f"/{empty}/insights")
    assert "No data yet" in page(f"/{empty}/commits")
    page(f"/{empty}/commits/nowhere", 404)
    hidden = make.private()
    data.streets(hidden)
    for path in (
        "insights",
        f"commit/{data.head(hidden)}",
        "history/main/train/0000.jpg",
        "blame/main/train/0000.jpg",
    ):
        page(f"/{hidden}/{path}", 404)


def test_the_side_column(streets: Repository) -> None:
    home = page("/alice/streets")
    where = re.search(r'hx-get="(/alice/streets/stats-side/[0-9a-f]{40})"', home)
    assert where is not None
    side = page(where.group(1))
    assert re.search(r"car</th>.*?>12<.*?66\.7 %", side, re.DOTALL)
    assert re.search(r"train</th>.*?>8<", side, re.DOTALL)


def test_a_commit_says_what_it_did(
    streets: Repository, django_capture_on_commit_callbacks: Captured, inline_tasks: None
) -> None:
    made = data.commit(
        streets,
        data.delete_box("train/0001.jpg", 3),
        data.put_box("train/0002.jpg", 4, x=14),
        data.put_box("train/0003.jpg", 6, name="person"),
        message="Mend three\n\nSeen while reviewing.",
    )
    with django_capture_on_commit_callbacks(execute=True):
        page(f"/alice/streets/commit/{made.commit_id}")
    strip = page(f"/alice/streets/commit/{made.commit_id}?part=summary")
    assert re.search(r'class="big">3<', strip)
    shown = page(f"/alice/streets/commit/{made.commit_id[:12]}")
    assert "Seen while reviewing." in shown
    for key, words in (("0001", "removed"), ("0002", "4 px right"), ("0003", "relabelled")):
        assert re.search(rf"<bdi>train/{key}\.jpg</bdi>.*?{words}", shown, re.DOTALL), (key, words)
    assert shown.count('class="side-pic"') == 6
    only = page(f"/alice/streets/commit/{made.commit_id}?kind=moved")
    assert "train/0002.jpg" in only
    assert "train/0001.jpg" not in only
    counted = CommitRecord.objects.get(pk=made.pk).counts
    assert counted is not None
    assert counted["samples"]["touched"] == 3
    assert 'title="removed"' in page("/alice/streets/commits/main")


def test_the_first_commit_is_told_by_what_it_holds(streets: Repository) -> None:
    shown = page(f"/alice/streets/commit/{data.head(streets)}")
    assert "12 samples and 18 labels" in shown
    following = re.search(r'rel="next" href="([^"]+)"', shown)
    assert following is None
    assert shown.count('<span class="lab">added</span>') == 12


def test_labels_that_only_came_are_counted_by_class(streets: Repository) -> None:
    made = data.commit(
        streets,
        *[data.put_box("train/0000.jpg", 700 + n, x=70 + 30 * n) for n in range(3)],
        message="Three more",
    )
    shown = page(f"/alice/streets/commit/{made.commit_id}")
    assert shown.count('class="chline"') == 1
    assert re.search(r"car</span>\s*<b>3</b>", shown)


def test_pages_of_a_large_commit() -> None:
    repository = make.repository(make.user("carol"), "many")
    data.streets(repository, 30)
    path, seen = f"/carol/many/commit/{data.head(repository)}", list[str]()
    following: str | None = ""
    while following is not None:
        shown = page(path + following)
        seen += re.findall(r"<bdi>([^<]+\.jpg)</bdi>", shown)
        found = re.search(r'rel="next" href="([^"]+)"', shown)
        following = found.group(1).replace("&amp;", "&") if found else None
    assert seen == [f"{'val' if n >= 20 else 'train'}/{n:04d}.jpg" for n in range(30)]


def test_the_history_of_a_sample_and_who_set_what(streets: Repository) -> None:
    bob = make.member(streets, Role.WRITE, "bob")
    data.commit(streets, data.put_box("train/0001.jpg", 2, x=14), message="Move the car")
    data.commit(streets, data.put_box("train/0005.jpg", 10, x=14), message="Elsewhere")
    data.commit(
        streets, data.put_box("train/0001.jpg", 2, x=14, name="person"), actor=bob, message="It is a person"
    )
    shown = page("/alice/streets/history/main/train/0001.jpg")
    assert re.findall(r"<b>(It is a person|Elsewhere|Move the car|First labels)</b>", shown) == [
        "It is a person",
        "Move the car",
        "First labels",
    ]
    assert "4 px right" in shown
    blame = page("/alice/streets/blame/main/train/0001.jpg")
    moved = re.search(r"<tr data-annotation-id.*?It is a person.*?</tr>", blame, re.DOTALL)
    assert moved is not None
    assert re.search(r"bob</b> <span class=\"m\">class", moved.group())
    assert re.search(r"alice</b> <span class=\"m\">shape", moved.group())
    page("/alice/streets/history/main/train/nothing.jpg", 404)


def test_a_merged_pull_request_is_named(streets: Repository) -> None:
    def moved(schema: Schema) -> SnapshotEdit:
        return edit_from([data.put_box("train/0000.jpg", 0, x=30)], schema, Author("u:1", 0), lambda _: {})

    commits.commit_edit(
        streets.owner,
        streets,
        branch="main",
        expected_head=data.head(streets),
        edit=moved,
        message="Merge #7",
        trailers=[("Pull-Request", "7")],
    )
    assert '<a href="/alice/streets/pull/7">#7</a>' in page("/alice/streets/history/main/train/0000.jpg")
    assert '<a href="/alice/streets/pull/7">#7</a>' in page(f"/alice/streets/commit/{data.head(streets)}")
