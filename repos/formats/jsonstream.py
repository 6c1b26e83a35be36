"""One big JSON object read in bounded memory: the arrays of its members come as runs of whole elements.

A COCO file is `{"images": [...], "annotations": [...], ...}`. `walk` finds, chunk by chunk and with array
operations only, the commas between the elements of those top-level arrays; each run of elements is then
decoded at once by a fast decoder. Strings, escapes and nesting are honoured; only structure is checked here,
the decoder checks the rest. An element of more than `MAX_DEPTH` levels is a FormatError: decoders recurse.
Memory: one chunk plus the longest element. Cost: about 10 ns per byte.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from repos.formats.errors import FormatError

CHUNK = 4 << 20
MAX_ELEMENT = 256 << 20
MAX_DEPTH = 64
WHOLE = "one whole JSON object"
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRUCTURE = np.zeros(256, np.bool_)
_STRUCTURE[list(b'"{}[],:')] = True
_STEP = np.zeros(256, np.int8)
_STEP[list(b"{[")], _STEP[list(b"}]")] = 1, -1


@dataclass(frozen=True, slots=True)
class Elements:
    """A run of whole elements of the array `member`: `data` is `a,b,c`; elements begin at `starts` and end at
    `ends` within it (none for an empty array); `offset` and `line` are those of its first byte in the file.
    """

    member: str
    data: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    offset: int
    line: int

    def line_of(self, at: int) -> int:
        return self.line + self.data.count(b"\n", 0, at)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(position, raw element)."""
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield start, self.data[start:end]


@dataclass(frozen=True, slots=True)
class Other:
    """A member that is no array, raw."""

    member: str
    data: bytes


@dataclass(slots=True)
class _State:
    """Where the walk stands. `pending` is what was read and not given yet; structure of it before `known` is
    done."""

    file: str
    pending: bytes = b""
    offset: int = 0
    line: int = 1
    member: str | None = None
    closed: bool = False


def walk(stream: BinaryIO, file: str, chunk: int = CHUNK) -> Iterator[Elements | Other]:
    """Members of the object in the order of the file. FormatError when this is no whole JSON object."""
    state = _State(file)
    head = stream.read(chunk)
    if head.startswith(b"\xef\xbb\xbf"):
        state.offset, head = 3, head[3:]
    stripped = head.lstrip()
    if not stripped.startswith(b"{"):
        raise FormatError(file, "not a JSON object", 1, WHOLE)
    _advance(state, head, len(head) - len(stripped) + 1)
    grow = chunk
    while True:
        before = len(state.pending)
        yield from _drain(state)
        if state.closed:
            _check_rest(state, stream)
            return
        if len(state.pending) > MAX_ELEMENT:
            raise FormatError(
                file, f"an element above {MAX_ELEMENT >> 20} MiB", state.line, "elements of that size or less"
            )
        grow = min(grow * 2, MAX_ELEMENT) if before and len(state.pending) == before else chunk
        more = stream.read(grow)
        if not more:
            raise FormatError(file, "the JSON ends early", state.line + state.pending.count(b"\n"), WHOLE)
        state.pending += more


def _advance(state: _State, data: bytes, count: int) -> None:
    """Moves past `count` bytes of `data`; what follows is pending."""
    state.line += data.count(b"\n", 0, count)
    state.offset += count
    state.pending = data[count:]


def _check_rest(state: _State, stream: BinaryIO) -> None:
    if state.pending.strip() or stream.read(1 << 16).strip():
        raise FormatError(state.file, "something follows the JSON object", state.line, WHOLE)


_NAME = re.compile(rb'\s*,?\s*"((?:[^"\\]|\\.)*)"\s*:\s*')


def _drain(state: _State) -> Iterator[Elements | Other]:
    """Everything that the pending bytes hold whole."""
    while not state.closed:
        if state.member is not None:
            done = yield from _elements(state)
            if not done:
                return
            continue
        if state.pending.lstrip().startswith(b"}"):
            _advance(state, state.pending, state.pending.index(b"}") + 1)
            state.closed = True
            return
        found = _NAME.match(state.pending)
        if found is None:
            if len(state.pending.lstrip()) > 1 << 20:
                raise FormatError(state.file, "no member name", state.line, "a name in quotes and a colon")
            return
        if found.end() >= len(state.pending):
            return
        name = found.group(1).decode("utf-8", "replace")
        if state.pending[found.end()] == ord("["):
            _advance(state, state.pending, found.end() + 1)
            state.member = name
            continue
        value = _value_end(state.pending, found.end())
        if value is None:
            return
        yield Other(name, state.pending[found.end() : value].strip())
        _advance(state, state.pending, value)


def _structure(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """(positions, characters, depth before each) of structural characters outside strings. Data begins
    outside one."""
    masked = _ESCAPE.sub(b"__", data) if b"\\" in data else data
    raw = np.frombuffer(masked, np.uint8)
    at = np.flatnonzero(_STRUCTURE[raw])
    chars = raw[at]
    quotes = chars == ord('"')
    outside = (np.cumsum(quotes) % 2 == 0) & ~quotes
    at, chars = at[outside], chars[outside]
    steps = _STEP[chars].astype(np.int64)
    return at, chars, np.cumsum(steps) - steps


def _value_end(data: bytes, start: int) -> int | None:
    """Where the value beginning at `start` ends, or None when the data does not say yet."""
    at, chars, depth = _structure(data[start:])
    ends = np.flatnonzero((depth == 0) & ((chars == ord(",")) | (chars == ord("}")) | (chars == ord("]"))))
    return start + int(at[ends[0]]) if len(ends) else None


def _elements(state: _State) -> Generator[Elements | Other, None, bool]:
    """Gives the whole elements of the current array; returns whether anything was moved past."""
    data = state.pending
    at, chars, depth = _structure(data)
    if len(depth) and int(depth.max()) > MAX_DEPTH:
        raise FormatError(
            state.file, "too deeply nested", state.line, f"at most {MAX_DEPTH} levels in an element"
        )
    closing = np.flatnonzero((depth == 0) & (chars == ord("]")))
    cut = len(at) if not len(closing) else int(closing[0])
    commas = at[:cut][(depth[:cut] == 0) & (chars[:cut] == ord(","))]
    end = int(at[closing[0]]) if len(closing) else (int(commas[-1]) if len(commas) else None)
    if end is None:
        return False
    inner = commas[commas < end]
    starts = np.concatenate([[0], inner + 1]).astype(np.int64)
    ends = np.concatenate([inner, [end]]).astype(np.int64)
    body = data[:end]
    if body.strip():
        yield Elements(str(state.member), body, starts, ends, state.offset, state.line)
    elif len(inner):
        raise FormatError(state.file, "an empty element", state.line, "a JSON value between two commas")
    elif len(closing):
        none = np.zeros(0, np.int64)
        yield Elements(str(state.member), b"", none, none, state.offset, state.line)
    if len(closing):
        state.member = None
    _advance(state, data, end + 1)
    return True
