"""COCO run-length masks: the compressed text of pycocotools and the plain list of runs, and their box and
area.

Runs are column-major and begin with zeros. The compressed text is LEB128-like: 5 bits a character from code
48, bit 5 says more follow, the last group is sign-extended, and from the third run on each is a difference to
the run two before (cocodataset/cocoapi, common/maskApi.c, rleToString and rleFrString). Cost: O(runs).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def decode_counts(text: str) -> tuple[int, ...]:
    """Runs of the compressed text. ValueError when it is cut off or holds other characters."""
    counts: list[int] = []
    at = 0
    while at < len(text):
        value = shift = 0
        while True:
            if at >= len(text):
                raise ValueError("the compressed runs are cut off")
            code = ord(text[at]) - 48
            if not 0 <= code < 64 or shift > 60:
                raise ValueError(f"character {text[at]!r} at {at} is no run")
            value |= (code & 31) << shift
            at += 1
            shift += 5
            if not code & 32:
                if code & 16:
                    value -= 1 << shift
                break
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
    return tuple(counts)


def encode_counts(counts: Sequence[int]) -> str:
    """The compressed text, as pycocotools writes it."""
    out: list[str] = []
    for at, count in enumerate(counts):
        value = count - counts[at - 2] if at > 2 else count
        more = True
        while more:
            code = value & 31
            value >>= 5
            more = value != -1 if code & 16 else value != 0
            out.append(chr((code | 32 if more else code) + 48))
    return "".join(out)


def area(counts: Sequence[int]) -> int:
    """Pixels set."""
    return sum(counts[1::2])


def bounds(counts: Sequence[int], height: int) -> tuple[int, int, int, int] | None:
    """(x, y, width, height) of the pixels set, None when there are none."""
    ends = list(accumulate(counts))
    runs = [(start, end) for start, end in zip(ends[0::2], ends[1::2], strict=False) if end > start]
    if not runs:
        return None
    left, right = runs[0][0] // height, (runs[-1][1] - 1) // height
    spans = [_rows(start, end, height) for start, end in runs]
    top, bottom = min(a for a, _ in spans), max(b for _, b in spans)
    return left, top, right - left + 1, bottom - top + 1


def _rows(start: int, end: int, height: int) -> tuple[int, int]:
    """First and last row of a run; one that goes on in the next column touches both edges."""
    if start // height != (end - 1) // height:
        return 0, height - 1
    return start % height, (end - 1) % height
