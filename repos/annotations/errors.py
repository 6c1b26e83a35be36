"""Errors of the annotation model. All data in attributes; the sentence is a template over them."""

from __future__ import annotations

from reprlib import Repr

from repos.labelstore.errors import LabelStoreError
from repos.labelstore.varint import MalformedBytes

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80
_SHORT.maxtuple = _SHORT.maxlist = 12


class InvalidValue(LabelStoreError):
    """A value breaks a rule of the label model: what it was, what it held, what was expected."""

    template = "{what}: expected {expected}, got {value}"

    def __init__(self, what: str, value: object, expected: str) -> None:
        super().__init__(what=what, value=_SHORT.repr(value), expected=expected)
        self.what, self.value, self.expected = what, value, expected


class MalformedRecord(MalformedBytes):
    """Stored bytes are not the canonical bytes of a record: which one, at what offset, what was expected."""

    def __init__(self, what: str, offset: int, expected: str) -> None:
        super().__init__(what, offset, f"expected {expected}")
        self.offset, self.expected = offset, expected


class AmbiguousName(LabelStoreError):
    """A name means several entries of the label schema; `candidates` are their paths."""

    template = "{name!r} is ambiguous: {candidates}; give the whole path"

    def __init__(self, name: str, candidates: tuple[str, ...]) -> None:
        super().__init__(name=name, candidates=", ".join(candidates))
        self.name, self.candidates = name, candidates


class SchemaProblems(LabelStoreError):
    """A label schema breaks its rules; `problems` lists every one (repos.annotations.schema.Problem)."""

    template = "the label schema breaks its rules: {problems}"

    def __init__(self, problems: tuple[object, ...]) -> None:
        super().__init__(problems="; ".join(map(str, problems)))
        self.problems = problems
