"""A change in the words of a person who looks at it: "9 px right, 6 px down, 5 px wider".

Invariant: the words are made from the same comparison as the facets, so they never tell another story. Pixels
are rounded to a tenth, relative lengths are told in percent of the picture. Cost: O(1) but for the attributes
named.
"""

from __future__ import annotations

from repos.annotations.facets import Comparison, Facet
from repos.annotations.geometry_ops import frame_of
from repos.annotations.model import Annotation, Box, Scalar, Segment, Span, Text, Value
from repos.annotations.schema import Schema

LONGEST = 40
"""Texts and values longer than this are cut in a description; the change itself holds them whole."""


def describe(
    old: Annotation | None, new: Annotation | None, found: Comparison, before: Schema, after: Schema
) -> str:
    """One line; empty when nothing changed."""
    if old is None or new is None:
        one, schema, verb = (new, after, "added") if old is None else (old, before, "removed")
        return "" if one is None else f"{class_name(one, schema) or one.kind} {verb}"
    words: list[str] = []
    if Facet.RELABELLED in found.facets:
        names = (class_name(old, before) or "no class", class_name(new, after) or "no class")
        words.append(f"{names[0]} → {names[1]}")
    if Facet.RETYPED in found.facets:
        words.append(f"{old.kind} → {new.kind}")
    words += _place_words(old, new, found)
    words += _content_words(old, new, found)
    words += [f"{name}: {_value(a)} → {_value(b)}" for name, a, b in found.attributes]
    return ", ".join(words)


def class_name(annotation: Annotation, schema: Schema) -> str | None:
    """Name of the class an annotation reads as in a schema; None without a class."""
    return None if annotation.label_class is None else schema.name_of(annotation.label_class)


def _place_words(old: Annotation, new: Annotation, found: Comparison) -> list[str]:
    one, other = old.geometry(), new.geometry()
    words: list[str] = []
    if one is None or other is None:
        return words
    if found.shift is not None:
        frame, (right, down) = frame_of(other), found.shift
        words += _length(right, frame, "right", "left") + _length(down, frame, "down", "up")
    if isinstance(one, Box) and isinstance(other, Box) and one.frame is other.frame:
        words += _length(other.w - one.w, other.frame, "wider", "narrower")
        words += _length(other.h - one.h, other.frame, "taller", "shorter")
        if one.rotation != other.rotation:
            words.append(f"turned by {_short(other.rotation - one.rotation)}°")
    if Facet.RESHAPED in found.facets and not (isinstance(one, Box) and words):
        words.append("reshaped")
    return words


def _content_words(old: Annotation, new: Annotation, found: Comparison) -> list[str]:
    one, other = old.geometry(), new.geometry()
    words: list[str] = []
    match one, other:
        case Span(), Span():
            words += _ends(one.start, one.end, other.start, other.end, "characters")
        case Segment(), Segment():
            words += _ends(one.start, one.end, other.start, other.end, "s")
        case (Text(text=a), Text(text=b)) if a != b:
            words.append(f"{_value(a)} → {_value(b)}")
        case (Value(value=x), Value(value=y)) if x != y:
            words.append(f"{_value(x)} → {_value(y)}")
        case _:
            pass
    if Facet.CONFIDENCE_CHANGED in found.facets:
        words.append(f"confidence: {_value(old.provenance.confidence)} → {_value(new.provenance.confidence)}")
    return words


def _length(value: float, frame: str, positive: str, negative: str) -> list[str]:
    scaled, unit = (value, "px") if frame == "pixel" else (value * 100, "%")
    text = _short(abs(scaled))
    return [] if text == "0" else [f"{text} {unit} {positive if value > 0 else negative}"]


def _ends(a0: float, a1: float, b0: float, b1: float, unit: str) -> list[str]:
    words = []
    for name, change in (("start", b0 - a0), ("end", b1 - a1)):
        if change:
            words.append(f"{name} {_short(abs(change), 3)} {unit} {'later' if change > 0 else 'earlier'}")
    return words


def _short(value: float, digits: int = 1) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".rstrip("0").rstrip(".") or "0"


def _value(value: Scalar) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    return f"“{value}”" if len(value) <= LONGEST else f"“{value[: LONGEST - 1]}…”"
