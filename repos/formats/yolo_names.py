"""Class names of YOLO data: text files with one name a line, or `names` of a data.yaml (list or map)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import basename, dirname

import yaml

from repos.formats.source import Source, read_whole

_TEXT = re.compile(r"(.*classes.*\.(txt|names)|obj\.names|.*\.names|names\.txt|labels\.txt)$", re.IGNORECASE)
_YAML = re.compile(r".*\.ya?ml$", re.IGNORECASE)

_NUMBER = re.compile(r"0*([0-9]{1,9})(?:\.0*)?")
"""No class has a number of more digits, and numbers of thousands of digits are no numbers to Python."""


def is_names_file(name: str) -> bool:
    """Whether a file is called like a list of classes."""
    base = basename(name)
    return bool(_TEXT.match(base) or (_YAML.match(base) and "data" in base.lower()))


def names_of(names: Sequence[str], word: str) -> str | None:
    """The class of a number, its own digits when there is no names file at all, None when the number has no
    name."""
    said = _NUMBER.fullmatch(word)
    if said is None:
        return None
    number = int(said[1])
    if not names:
        return str(number)
    return names[number] if number < len(names) else None


class ClassFiles:
    """The names files of a source; for a label file the nearest one upwards counts, else the first one."""

    def __init__(self, source: Source, given: Sequence[str] = ()) -> None:
        self._given = tuple(given)
        self._by_folder: dict[str, tuple[str, ...]] = {}
        self._names: set[str] = set()
        self._first: tuple[str, ...] = ()
        for name in source.names():
            if not (is_names_file(name) or _YAML.match(name)):
                continue
            found = _parse(name, read_whole(source, name, 16 << 20))
            if found is None:
                continue
            self._names.add(name)
            self._by_folder.setdefault(dirname(name), found)
            self._first = self._first or found

    def is_one(self, name: str) -> bool:
        return name in self._names

    def of(self, label_file: str) -> tuple[str, ...]:
        if self._given:
            return self._given
        folder = dirname(label_file)
        while True:
            if folder in self._by_folder:
                return self._by_folder[folder]
            if not folder:
                return self._first
            folder = dirname(folder)


def _parse(name: str, data: bytes) -> tuple[str, ...] | None:
    text = data.decode("utf-8-sig", "replace")
    if not _YAML.match(name):
        lines = [line.strip() for line in text.splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return tuple(lines) or None
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict) and names and all(isinstance(k, int) and 0 <= k < 100_000 for k in names):
        return tuple(_plain(names.get(n, n)) for n in range(max(names) + 1))
    return tuple(map(_plain, names)) if isinstance(names, list) and names else None


def _plain(value: object) -> str:
    """A scalar as text; a nested value (YAML aliases can make huge ones) is no class name."""
    return str(value) if isinstance(value, str | int | float) else "?"
