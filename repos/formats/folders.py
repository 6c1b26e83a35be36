"""Folders of pictures or sound: every media file is a sample, its class the name of a folder.

`class_from`: `parent` (the folder the file lies in), `top` (the first folder), `none`. A first folder called
train, val, valid, dev or test is the field `split` and no class. Types are found by content: a file that is
no picture is refused. There is no writer: the class is the place of the bytes themselves. Cost: a header of
each file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType

from repos.annotations.model import Kind, Scalar
from repos.formats.base import ClassInfo, Plain, Sink, WriteReport
from repos.formats.errors import FormatError, MediaError, SourceError
from repos.formats.keying import is_audio, is_image, key_problem
from repos.formats.look import Guess, Look
from repos.formats.media import probe
from repos.formats.options import Options
from repos.formats.perfile import read_files
from repos.formats.records import (
    IMPORTED,
    AttributeScope,
    ClassName,
    Draft,
    Holds,
    Item,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
)
from repos.formats.source import Source

_SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
_SPLIT = AttributeScope(names=frozenset({"split"}))


class _Folder(Plain):
    """The common part; `sort` is the first half of the media type."""

    name = title = sort = ""

    def matches(self, name: str) -> bool:
        return is_image(name) if self.sort == "image" else is_audio(name)

    def recognise(self, look: Look) -> Guess | None:
        files = [name for name in look.names if self.matches(name)]
        if not files:
            return None
        share = len(files) / len(look.names)
        folders = {c for name in files if (c := class_and_split(name, "parent")[0])}
        classed = 2 <= len(folders) <= max(2, len(files) // 2)
        reasons = (
            f"{len(files)} of {len(look.names)} files",
            f"{len(folders)} folders that could be classes",
        )
        return Guess(
            self.name,
            share * (0.6 if classed else 0.3),
            reasons,
            {"class_from": "parent" if classed else "none"},
            len(files),
            len(files),
        )

    def holds(self, options: Options) -> Holds:
        kinds = frozenset() if options.class_from == "none" else frozenset({Kind.CLASSIFICATION})
        return Holds(kinds, fields=_SPLIT, media=True)

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if self.matches(name)]
        holds = self.holds(options)
        return read_files(names, lambda name: self._read(source, name, holds, options), options)

    def _read(self, source: Source, name: str, holds: Holds, options: Options) -> Iterator[Item]:
        label, split = class_and_split(name, options.class_from)
        key = options.key_prefix + name
        try:
            with source.open(name) as stream:
                found = probe(stream, name)
            if not found.media_type.startswith(self.sort + "/"):
                raise MediaError(name, "unknown", f"its content is {found.media_type}")
        except (MediaError, SourceError) as error:
            reason = str(getattr(error, "reason", error))
            yield Refusal(
                name,
                reason,
                f"a readable {self.sort} file",
                key=key,
                whole=True,
                annotations=int(label is not None),
            )
            return
        if problem := key_problem(key):
            yield Refusal(
                name,
                "the name is no sample key",
                problem,
                key=key,
                whole=True,
                annotations=int(label is not None),
            )
            return
        fields: dict[str, Scalar] = {} if split is None else {"split": split}
        reference = MediaRef(name, None, found.media_type, found.width, found.height, found.duration)
        drafts = () if label is None else (Draft(Kind.CLASSIFICATION, ClassName(label)),)
        sample = SampleDraft(reference, fields=MappingProxyType(fields))
        yield Record(key, sample, {IMPORTED: LayerDraft(drafts)} if holds.kinds else {}, holds, name)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        first = next(
            (n for n, d in enumerate(drafts) if d.kind is Kind.CLASSIFICATION and d.label_class), None
        )
        return [
            Draft(Kind.CLASSIFICATION, d.label_class) if n == first else None for n, d in enumerate(drafts)
        ]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        raise FormatError(
            "", "folders of media are read only: the class is where a file lies; export csv instead"
        )


def class_and_split(name: str, class_from: str) -> tuple[str | None, str | None]:
    """(class, split) of a path."""
    folders = name.split("/")[:-1]
    split = folders[0] if folders and folders[0].lower() in _SPLITS else None
    inner = folders[1:] if split else folders
    if class_from == "none" or not inner:
        return None, split
    return inner[0] if class_from == "top" else inner[-1], split


class ImageFolder(_Folder):
    name, title, sort = "image_folder", "Folders of pictures", "image"


class AudioFolder(_Folder):
    name, title, sort = "audio_folder", "Folders of sound files", "audio"
