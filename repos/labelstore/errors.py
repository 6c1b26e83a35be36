"""The one root of errors of the pure core; each error stands beside what raises it, its data in attributes."""

from __future__ import annotations

from typing import ClassVar


class LabelStoreError(Exception):
    """Root of the pure core. `template` is a sentence over the keyword data."""

    template: ClassVar[str] = "the label store failed"

    def __init__(self, **data: object) -> None:
        super().__init__(self.template.format(**data))
        self.data = data
