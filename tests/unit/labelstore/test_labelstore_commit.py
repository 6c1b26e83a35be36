"""Commits: what they may hold, and that they come back from their bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repos.labelstore.commit import Commit, InvalidCommit, Moment, commit_id_of, decode_commit

COMMIT = Commit(
    parents=("1f" * 20, "2e" * 20),
    snapshot=bytes(range(32)),
    author="u:17",
    committer="ext:42:annotator-3",
    authored_at=Moment(1_790_000_000, 330),
    committed_at=Moment(1_790_000_100, -480),
    message="Relabel vans\n\nThe guidelines changed.",
    trailers=(("Via", "import"), ("Co-Authored-By", "u:18")),
)

PERSONS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200)
MOMENTS = st.builds(Moment, st.integers(-(2**40), 2**40), st.integers(-1439, 1439))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
TOKENS = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
TRAILERS = st.tuples(TOKENS, TEXTS.map(lambda text: " ".join(text.split())))
COMMITS = st.builds(
    Commit,
    parents=st.lists(st.binary(min_size=20, max_size=20).map(bytes.hex), unique=True, max_size=4).map(tuple),
    snapshot=st.binary(min_size=32, max_size=32),
    author=PERSONS,
    committer=PERSONS,
    authored_at=MOMENTS,
    committed_at=MOMENTS,
    message=TEXTS,
    trailers=st.lists(TRAILERS, max_size=4).map(tuple),
)


@given(COMMITS)
def test_commits_come_back_from_their_bytes(commit: Commit) -> None:
    assert decode_commit(commit.raw) == commit
    assert commit.commit_id == commit.address.hex()[:40] == commit_id_of(commit.address)


@given(COMMITS, COMMITS)
def test_different_commits_have_different_bytes(one: Commit, other: Commit) -> None:
    assert (one == other) == (one.raw == other.raw)


def test_the_title_is_the_first_line() -> None:
    assert COMMIT.title == "Relabel vans"


WRONG: dict[str, list[object]] = {
    "parents": [("xyz",), ("1F" * 20,), ("1f" * 20, "1f" * 20), tuple(f"{n:040x}" for n in range(65))],
    "snapshot": [b"", b"x" * 31],
    "author": ["", "two words", "é", "a" * 201, "a\n"],
    "committer": ["", "a\0"],
    "authored_at": [Moment(2**41), Moment(0, 1440), Moment(0, -1440)],
    "committed_at": [Moment(-(2**41))],
    "message": ["a\0b", "\ud800", "x" * (2**20 + 1)],
    "trailers": [
        (("no spaces", "x"),),
        (("Via", "two\nlines"),),
        (("Via", " padded"),),
        (("Via", "x" * 5000),),
        (("1", "x"),),
        (("Via", "x"),) * 257,
    ],
}


@pytest.mark.parametrize(
    ("part", "value"), [(part, value) for part, values in WRONG.items() for value in values]
)
def test_what_a_commit_may_not_hold(part: str, value: object) -> None:
    with pytest.raises(InvalidCommit, match=f"commit: {part}: expected") as caught:
        replace(COMMIT, **{part: value})  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.part == part
