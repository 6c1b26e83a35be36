"""What can go wrong with a label pull request, as data."""

from __future__ import annotations

from collections.abc import Sequence

from hub.errors import Conflict, Invalid, Missing, Refused


class NoSuchPull(Missing):
    template = "There is no pull request #{number} here, or you may not see it."

    def __init__(self, number: int) -> None:
        super().__init__(number=number)


class NoSuchThing(Missing):
    """A review, thread or comment that is not there."""

    template = "There is no {what} {name!r}."

    def __init__(self, what: str, name: object) -> None:
        super().__init__(what=what, name=str(name))


class NothingToPropose(Invalid):
    code = "nothing_to_propose"

    def __init__(self, source: str, target: str) -> None:
        super().__init__(
            f"{source} has no commit that {target} lacks: there is nothing to propose", field="source"
        )


class OpenAlready(Conflict):
    code = "pull_exists"

    def __init__(self, number: int, source: str, target: str) -> None:
        super().__init__(f"#{number} already proposes {source} for {target}", number=number)


class NotOpen(Conflict):
    code = "pull_not_open"

    def __init__(self, number: int, state: str, wish: str) -> None:
        super().__init__(f"#{number} is {state}: it cannot be {wish}", number=number, state=state)


class MergeBlocked(Conflict):
    """The reasons are the words that stand beside the merge button."""

    code = "merge_blocked"

    def __init__(self, number: int, reasons: Sequence[str]) -> None:
        super().__init__(
            f"#{number} cannot be merged: {'; '.join(reasons)}", number=number, reasons=list(reasons)
        )


class NotRevertible(Conflict):
    """What the merge did cannot be taken back by itself; the reason says why."""

    code = "not_revertible"

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"#{number} cannot be reverted: {reason}", number=number, reason=reason)


class HeadMoved(Conflict):
    code = "head_moved"

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(
            f"the source is at {actual[:10]} now, not at {expected[:10]}: look at the new changes first",
            expected=expected,
            actual=actual,
        )


class UnrelatedHistories(Invalid):
    code = "unrelated_histories"

    def __init__(self, source: str, target: str) -> None:
        super().__init__(f"{source} and {target} share no commit", field="source")


class NotYours(Refused):
    template = "{what} belongs to {owner}: only they{others} may {wish} it."

    def __init__(self, what: str, owner: str, wish: str, others: str = " or a maintainer") -> None:
        super().__init__(what=what, owner=owner, wish=wish, others=others)
