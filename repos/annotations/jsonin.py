"""A JSON document taken apart strictly: every value knows its path, every getter says what it expected.

Invariant: what a getter gives is finite, in range and writable as UTF-8; everything else is InvalidJson.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Scalar
from repos.annotations.wire import is_text
from repos.labelstore.errors import LabelStoreError

Json = Any
_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


class InvalidJson(LabelStoreError):
    """A member of a JSON document is not what it must be: its path, what it held, what was expected."""

    template = "{path}: expected {expected}, got {shown}"

    def __init__(self, path: str, value: object, expected: str) -> None:
        super().__init__(path=path or "the document", expected=expected, shown=repr(value)[:80])
        self.path, self.value, self.expected = path, value, expected


class At:
    """A JSON value and its path; every getter checks."""

    __slots__ = ("path", "value")

    def __init__(self, value: Json, path: str = "") -> None:
        self.value, self.path = value, path

    def fail(self, expected: str) -> InvalidJson:
        return InvalidJson(self.path, self.value, expected)

    def members(self, *allowed: str, required: Sequence[str] = ()) -> At:
        """An object with no other members; gives itself."""
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        for name in self.value:
            if name not in allowed and name not in required:
                raise InvalidJson(f"{self.path}.{name}".lstrip("."), self.value[name], "no such member")
        for name in required:
            if name not in self.value:
                raise InvalidJson(f"{self.path}.{name}".lstrip("."), None, "this member")
        return self

    def has(self, name: str) -> bool:
        """Whether a member is there and not null."""
        return self.value.get(name) is not None

    def get(self, name: str) -> At:
        return At(self.value.get(name), f"{self.path}.{name}".lstrip("."))

    def items(self) -> list[At]:
        if not isinstance(self.value, list):
            raise self.fail("a list")
        return [At(v, f"{self.path}[{i}]") for i, v in enumerate(self.value)]

    def number(self) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.fail("a number")
        try:
            value = float(self.value)
        except OverflowError:
            raise self.fail("a number that a double can hold") from None
        if not math.isfinite(value):
            raise self.fail("a finite number")
        return value

    def integer(self, low: int = 0, high: int = 2**53) -> int:
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(f"an integer from {low} to {high}")
        return value

    def text(self) -> str:
        if not isinstance(self.value, str) or not is_text(self.value):
            raise self.fail("a text without lone surrogates")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.fail("true or false")
        return self.value

    def hex(self, size: int) -> bytes:
        value = self.value
        if not isinstance(value, str) or len(value) != 2 * size or value != value.lower():
            raise self.fail(f"{2 * size} lower case hex digits")
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise self.fail(f"{2 * size} lower case hex digits") from None

    def one_of(self, of: type[_E]) -> _E:
        try:
            return of(self.value)
        except ValueError:
            raise self.fail("one of " + ", ".join(of)) from None

    def scalars(self) -> dict[str, Scalar]:
        if not isinstance(self.value, dict):
            raise self.fail("an object")
        found: dict[str, Scalar] = {}
        for name in self.value:
            at = At(self.value[name], f"{self.path}.{name}")
            if not name or not is_text(name):
                raise InvalidJson(at.path, name, "a name")
            found[name] = at.scalar()
        return found

    def scalar(self) -> Scalar:
        if self.value is None or isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str):
            return self.text()
        if isinstance(self.value, int) and abs(self.value) > 2**53:
            raise self.fail("a number within 2**53, or a text")
        return self.number()

    def make(self, build: Callable[[], _T]) -> _T:
        """What `build` makes; a rule of the model that it breaks is told with the path."""
        try:
            return build()
        except InvalidValue as broken:
            raise InvalidJson(self.path, broken.value, f"{broken.what} with {broken.expected}") from None
