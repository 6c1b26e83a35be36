"""What can go wrong when a ref moves. How refs are named is decided above (repos/names.py).

Invariant: a ref never is a folder of another one, so that a name in a URL path has one meaning.
"""

from __future__ import annotations

from repos.labelstore.errors import LabelStoreError


class RefMoved(LabelStoreError):
    """A ref is not where the caller thought it was; None stands for "not there"."""

    template = "ref {name!r}: expected {expected}, found {found}"

    def __init__(self, name: str, expected: str | None, found: str | None) -> None:
        super().__init__(name=name, expected=expected or "no such ref", found=found or "no such ref")
        self.name, self.expected, self.found = name, expected, found


class RefNameTaken(LabelStoreError):
    """A ref can not be made because an existing one is its folder, or it would be the folder of one."""

    template = "ref {name!r} can not exist beside {existing!r}"

    def __init__(self, name: str, existing: str) -> None:
        super().__init__(name=name, existing=existing)
        self.name, self.existing = name, existing


def nested(a: str, b: str) -> bool:
    """Whether one of two ref names is a folder of the other."""
    return a != b and (f"{a}/".startswith(f"{b}/") or f"{b}/".startswith(f"{a}/"))
