"""Sample keys of what files refer to: explicit and stable, so that two versions of a file meet on the same
keys.

Rules, in order. A reference to an image is resolved against the images of the source: the same path; beside
the label file; with a `labels` or `annotations` folder read as `images`; a unique file of that name; a unique
one of that stem. What is found gives the key. Otherwise the caller's look-up of existing samples is asked;
otherwise the named image (with its folders) is the key; labels that name no image are keyed by their own path
without extension. Texts without an id are keyed by content: a slug and 12 hex digits of SHA-256, with -2, -3,
... for repetitions. Cost: one pass over the names of the source; each look-up is O(1).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from posixpath import basename, dirname, splitext

from repos.formats.errors import UnsafeName
from repos.formats.source import safe_name

IMAGES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".avif",
    ".heic",
    ".jp2",
)
AUDIO = (".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff")
_LABEL_FOLDERS = ("labels", "annotations", "Annotations", "labels_txt", "anno")
_IMAGE_FOLDERS = ("images", "JPEGImages", "imgs")
MAX_KEY_BYTES = 1024


def is_image(name: str) -> bool:
    return name.lower().endswith(IMAGES)


def is_audio(name: str) -> bool:
    return name.lower().endswith(AUDIO)


def stem(name: str) -> str:
    """The path without its extension."""
    return splitext(name)[0]


def key_problem(key: str) -> str | None:
    """Why a key breaks LABEL_MODEL section 1, or None."""
    try:
        if safe_name(key) != key:
            return "a key with `/` between plain parts"
        return None if 1 <= len(key.encode()) <= MAX_KEY_BYTES else f"1 to {MAX_KEY_BYTES} bytes of UTF-8"
    except (UnsafeName, UnicodeEncodeError) as error:
        return str(getattr(error, "reason", error))


class Media:
    """The media files of a source, found by what label files call them."""

    def __init__(
        self,
        names: Iterable[str],
        find: Callable[[str], str | None] | None = None,
        is_media: Callable[[str], bool] = is_image,
    ) -> None:
        self._find = find
        self._paths: set[str] = set()
        self._by_name: dict[str, str | None] = {}
        self._by_stem: dict[str, str | None] = {}
        self._by_stem_path: dict[str, str] = {}
        for name in names:
            if is_media(name):
                self._add(name)

    def _add(self, name: str) -> None:
        self._paths.add(name)
        self._by_stem_path.setdefault(stem(name), name)
        for index, short in ((self._by_name, basename(name)), (self._by_stem, basename(stem(name)))):
            index[short] = None if short in index else name

    def __len__(self) -> int:
        return len(self._paths)

    def resolve(self, reference: str, label_file: str, beside: bool = False) -> tuple[str, str | None]:
        """(sample key, member of the source or None) of an image a label file refers to. Raises UnsafeName.

        `beside`: an image that is not found is taken to lie in the label file's folder, when it names no
        folder itself.
        """
        reference = safe_name(reference)
        member = self._member(reference, label_file)
        if member is not None:
            return member, member
        if beside and "/" not in reference and dirname(label_file):
            reference = f"{dirname(label_file)}/{reference}"
        known = self._find(reference) if self._find else None
        return (known or reference), None

    def _member(self, reference: str, label_file: str) -> str | None:
        if not self._paths:
            return None
        beside = f"{dirname(label_file)}/{reference}".lstrip("/")
        for path in (reference, beside, *_swapped(beside)):
            if path in self._paths:
                return path
        named = self._by_name.get(basename(reference))
        if named is not None and (named.endswith("/" + reference) or "/" not in reference):
            return named
        return None

    def beside(self, label_file: str) -> tuple[str, str | None]:
        """(sample key, member or None) for a label file that names no image: the image of the same stem."""
        own = stem(label_file)
        for path in (own, *_swapped(own)):
            if path in self._by_stem_path:
                return self._by_stem_path[path], self._by_stem_path[path]
        unique = self._by_stem.get(basename(own))
        if unique is not None:
            return unique, unique
        known = self._find(own) if self._find else None
        return (known or own), None


def _swapped(path: str) -> Iterable[str]:
    """The path with its last label folder read as an image folder: labels/train/x -> images/train/x."""
    parts = path.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] in _LABEL_FOLDERS:
            for folder in _IMAGE_FOLDERS:
                yield "/".join((*parts[:at], folder, *parts[at + 1 :]))
            return


class TextKeys:
    """Keys for texts without an id. By content, equal texts are told apart by the order in which they come."""

    def __init__(self, prefix: str = "", by: str = "content") -> None:
        self._prefix, self._by, self._number = prefix, by, 0
        self._seen: dict[bytes, int] = {}

    def of(self, text: str) -> str:
        self._number += 1
        if self._by == "number":
            return f"{self._prefix}{self._number:06d}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:6]
        n = self._seen[digest] = self._seen.get(digest, 0) + 1
        base = "-".join(part for part in (_slug(text), digest.hex()) if part)
        return f"{self._prefix}{base}" + (f"-{n}" if n > 1 else "")


def _slug(text: str, limit: int = 40) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text[: limit * 4]).casefold())
    return re.sub(r"[^\w]+", "-", folded).strip("-_")[:limit].strip("-_")
