"""A record of numbers and tallies that adds up field by field, with one JSON shape for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

from repos.quality.errors import StaleStatistics
from repos.quality.tally import Tally


@dataclass(frozen=True)
class Sums:
    """Base of statistics. Every field is an int or a Tally; a field's default is its zero, with its
    bounds."""

    VERSION: ClassVar[int] = 1

    @classmethod
    def zero(cls) -> Self:
        return cls()

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def minus(self, part: Self) -> Self | None:
        """Undoes `+ part`; None when a bounded tally cannot tell (Tally.minus): compute anew."""
        found: dict[str, int | Tally] = {}
        for f in fields(self):
            value: int | Tally = getattr(self, f.name)
            taken: int | Tally = getattr(part, f.name)
            if isinstance(value, Tally) and isinstance(taken, Tally):
                rest = value.minus(taken)
                if rest is None:
                    return None
                found[f.name] = rest
            elif isinstance(value, int) and isinstance(taken, int):
                found[f.name] = value - taken
        return type(self)(**found)

    def updated(self, before: Self, after: Self) -> Self | None:
        """The statistics after a change: of the whole entries (samples) it touched, as they were and as
        they are.

        Costs what the change costs, whatever the size of the data set. None: see minus.
        """
        rest = self.minus(before)
        return None if rest is None else rest + after

    def to_json(self) -> dict[str, object]:
        values = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {"version": self.VERSION} | {n: v.to_json() if isinstance(v, Tally) else v for n, v in values}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        """StaleStatistics when the version is another, or a field is absent."""
        missing = [f.name for f in fields(cls) if f.name not in data]
        if data.get("version") != cls.VERSION or missing:
            raise StaleStatistics(cls.__name__, cls.VERSION, data.get("version"))
        zero = cls()
        read: dict[str, int | Tally] = {}
        for f in fields(cls):
            default, value = getattr(zero, f.name), data[f.name]
            read[f.name] = (
                Tally.from_json(value, default.limits) if isinstance(default, Tally) else int(str(value))
            )
        return cls(**read)
