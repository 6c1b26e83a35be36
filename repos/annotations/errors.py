"""Errors of the annotation model. All data in attributes; the sentence is a template over them."""

from __future__ import annotations

from repos.labelstore.errors import LabelStoreError


class InvalidValue(LabelStoreError):
    """A value breaks a rule of the label model: what it was, what it held, what was expected."""

    template = "{what}: expected {expected}, got {value!r}"

    def __init__(self, what: str, value: object, expected: str) -> None:
        super().__init__(what=what, value=value, expected=expected)
        self.what, self.value, self.expected = what, value, expected
