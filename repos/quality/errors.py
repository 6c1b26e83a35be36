"""Errors of the quality computations. All data in attributes; the sentence is a template over them."""

from __future__ import annotations

from repos.labelstore.errors import LabelStoreError


class StaleStatistics(LabelStoreError):
    """Stored statistics were made by another version of the algorithm, or are not statistics: compute them
    again."""

    template = "{what}: expected version {expected}, got {got!r}"

    def __init__(self, what: str, expected: int, got: object) -> None:
        super().__init__(what=what, expected=expected, got=got)
        self.what, self.expected, self.got = what, expected, got


class RepeatedVote(LabelStoreError):
    """One rater answered the same unit twice; agreement needs one answer each."""

    template = "{rater} answers {part!r} of sample {key!r} twice"

    def __init__(self, key: str, part: str, rater: str) -> None:
        super().__init__(key=key, part=part, rater=rater)
        self.key, self.part, self.rater = key, part, rater
