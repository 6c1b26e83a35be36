"""What an import asks of the samples that are there already: by what a file calls them, and how large they are.

Cost: one scan of the keys (and of the records, when sizes are asked for) at the first question, then constant.
"""

from __future__ import annotations

from functools import cached_property
from posixpath import basename, splitext

from repos.annotations.model import Media
from repos.annotations.snapshot import SnapshotView
from repos.services.import_media import is_media


class KnownSamples:
    """`stored`: member -> media that this import brought, which counts before what is there."""

    def __init__(self, view: SnapshotView | None, stored: dict[str, Media], key_prefix: str) -> None:
        self._view, self._stored, self._prefix = view, stored, key_prefix

    @cached_property
    def _keys(self) -> set[str]:
        return set(self._view.iter_keys()) if self._view is not None else set()

    @cached_property
    def _short(self) -> dict[str, str | None]:
        """Stem paths, file names and their stems -> the one key that has them; None for several."""
        found: dict[str, str | None] = {}
        for key in self._keys:
            stem = splitext(key)[0]
            for short in {stem, basename(key), basename(stem)} - {key}:
                found[short] = None if short in found else key
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """File name -> the keys that end in it."""
        found: dict[str, list[str]] = {}
        for key in self._keys:
            found.setdefault(basename(key), []).append(key)
        return found

    def _ending_in(self, reference: str) -> str | None:
        """The one key that ends in this path, part by part: `train/a.jpg` finds `images/train/a.jpg`."""
        ending = [key for key in self._by_name.get(basename(reference), ()) if key.endswith(f"/{reference}")]
        return ending[0] if len(ending) == 1 else None

    def find(self, reference: str) -> str | None:
        """The key of a sample that a file refers to so: the key itself, the unique end of one, or, for a reference that
        names no kind of media, a unique stem. `a.png` is never taken for `a.jpg`. Without the prefix, which readers
        put before whatever they get."""
        found = self._find(self._prefix + reference) if self._prefix else self._find(reference)
        return None if found is None or not found.startswith(self._prefix) else found[len(self._prefix) :]

    def _find(self, reference: str) -> str | None:
        if reference in self._keys:
            return reference
        if (named := self._short.get(reference)) is not None:
            return named
        if "/" in reference:
            return self._ending_in(reference)
        return None if is_media(reference) else self._short.get(splitext(reference)[0])

    @cached_property
    def _sizes(self) -> dict[str, tuple[int, int]]:
        if self._view is None:
            return {}
        pairs = ((key, sample.media) for key, sample in self._view.scan_samples() if sample.media)
        return {key: (m.width, m.height) for key, m in pairs if m.width and m.height}

    def size(self, key: str) -> tuple[int, int] | None:
        """(width, height) of the media of a key."""
        own = self._stored.get(key.removeprefix(self._prefix))
        if own is not None and own.width and own.height:
            return own.width, own.height
        return self._sizes.get(key)
