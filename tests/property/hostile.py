"""Bytes altered as faults and attackers alter them, and a bound on what reading them may take."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import settings
from hypothesis import strategies as st

from tests.property.effort import examples

ROOM, PER_BYTE = 1 << 20, 1000
"""A decoder may take so much memory: what every call needs, and for each byte given a handful of small objects."""


few = settings(max_examples=examples(25))
"""A quarter of the examples of the profile in use, for what takes milliseconds each."""


@st.composite
def mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """`raw` with up to four bytes or stretches set, cut off, inserted or dropped."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["set", "cut", "insert", "drop", "high"])):
            case "set" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "high" if at < len(data):
                data[at] = 0xFF
            case "cut":
                del data[at:]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
            case "drop":
                del data[at : at + draw(st.integers(1, 9))]
    return bytes(data)


_WORD = re.compile(rb'"[^"\n]*"|[-+.\w]+')
WORDS = (
    b"", b"null", b"true", b"0", b"-1", b"1.5", b"NaN", b"1e999", b"1e300", b"9" * 30, b"9" * 400, b'""', b'"x"',
    b'"../x"', b'"\\ud800"', b'"' + b"k" * 1100 + b'"', b"[]", b"{}", b"[[]]", b'{"":null}', b"[" * 2000,
    b"[" * 2000 + b"]" * 2000, b"<a>", b"&a;", b",", b"\n", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf",
)  # fmt: skip
"""What stands in a text where a reader hopes for a plain number or name."""


def words(raw: bytes) -> list[tuple[int, int]]:
    """Where the words of a text begin and end: numbers, names, strings in quotes."""
    return [found.span() for found in _WORD.finditer(raw)]


@st.composite
def reworded(draw: st.DrawFn, raw: bytes) -> bytes:
    """`raw`, a text, with up to three of its words replaced by hostile ones."""
    data = raw
    for _ in range(draw(st.integers(1, 3))):
        if places := words(data):
            start, end = draw(st.sampled_from(places))
            data = data[:start] + draw(st.sampled_from(WORDS)) + data[end:]
    return data


@contextmanager
def bounded(size: int) -> Iterator[None]:
    """Fails when the block takes more memory than `size` bytes of input may cost."""
    tracemalloc.start()
    try:
        yield
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken <= ROOM + PER_BYTE * size, f"{taken} bytes of memory for {size} bytes"
