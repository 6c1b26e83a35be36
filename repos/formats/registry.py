"""All formats by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from repos.formats.base import Format
from repos.formats.coco import Coco
from repos.formats.conll import Conll
from repos.formats.errors import UnknownFormat
from repos.formats.folders import AudioFolder, ImageFolder
from repos.formats.jsonl import Jsonl
from repos.formats.labelme import LabelMe
from repos.formats.own import Own
from repos.formats.tables import Csv
from repos.formats.via import Via
from repos.formats.voc import Voc
from repos.formats.votes import Votes
from repos.formats.yolo import Yolo

_ALL: tuple[Format, ...] = (
    Own(),
    Coco(),
    Voc(),
    Yolo(),
    LabelMe(),
    Via(),
    Conll(),
    Jsonl(),
    Csv(),
    Votes(),
    ImageFolder(),
    AudioFolder(),
)
FORMATS: Mapping[str, Format] = MappingProxyType({found.name: found for found in _ALL})
READ_ONLY = ("image_folder", "audio_folder")


def format_named(name: str) -> Format:
    """UnknownFormat lists what there is."""
    if name not in FORMATS:
        raise UnknownFormat(name, tuple(FORMATS))
    return FORMATS[name]
