"""Pascal VOC: one XML file per image, boxes by their corners in pixels.

A box of x, y, w, h is written as corners x, y, x + w, y + h (no +1: that is how today's tools read VOC) in
the fewest digits that read back. `pose`, `truncated`, `difficult`, `occluded` are kept as `source.*` unless
they say the default (Unspecified, 0). Cost: linear, one file at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from posixpath import basename, dirname, splitext
from types import MappingProxyType

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Box, Frame, Kind, Scalar
from repos.formats.base import ClassInfo, Plain, Sink, UniqueNames, WriteReport, imported
from repos.formats.errors import FormatError, SourceError
from repos.formats.keying import Media, is_image, key_problem
from repos.formats.look import Guess, Look
from repos.formats.numbers import parse_number, short, within
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
    excerpt,
)
from repos.formats.source import Source, read_whole
from repos.formats.xmltree import Node, escape, parse_xml

_FLAGS = ("truncated", "difficult", "occluded")
_SCOPE = AttributeScope(names=frozenset(f"source.{name}" for name in ("pose", *_FLAGS)))
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class Voc(Plain):
    name, title = "voc", "Pascal VOC"

    def recognise(self, look: Look) -> Guess | None:
        files = look.of(".xml")
        hits = [
            n
            for n in files[:5]
            if "<annotation" in (text := look.text(n)) and ("<object>" in text or "<size>" in text)
        ]
        if not hits:
            return None
        reasons = (f"{len(files)} XML files", f"{hits[0]} holds an <annotation> element")
        return Guess(self.name, 0.98 * len(hits) / min(5, len(files)), reasons, {}, len(files))

    def holds(self, options: Options) -> Holds:
        return Holds(frozenset({Kind.BOX}), _SCOPE, media=True)

    def read(self, source: Source, options: Options) -> Iterator[Item]:
        names = [name for name in source.names() if name.lower().endswith(".xml")]
        media = Media(source.names(), options.find_image)
        holds = self.holds(options)
        return read_files(names, lambda name: _read_file(source, name, media, holds, options), options)

    def express(
        self, drafts: Sequence[Draft], written: SampleDraft, read: SampleDraft, options: Options
    ) -> list[Draft | None]:
        return [_express(draft, written) for draft in drafts]

    def write(
        self, records: Iterable[Record], classes: Sequence[ClassInfo], sink: Sink, options: Options
    ) -> WriteReport:
        report, names = WriteReport(), UniqueNames()
        for record in records:
            drafts = imported(record).annotations
            held: list[Draft] = []
            for draft in drafts:
                expressed = _express(draft, record.sample)
                if expressed is None:
                    report.leave_out(record.key, draft, "VOC holds classed boxes without rotation, in pixels")
                else:
                    held.append(expressed)
            name = names.of(record.key, ".xml")
            with sink.open(name) as stream:
                stream.write(_document(record, held).encode())
            report.files.append(name)
            report.took(len(held))
        return report


def _read_file(source: Source, name: str, media: Media, holds: Holds, options: Options) -> Iterator[Item]:
    root = parse_xml(name, read_whole(source, name))
    if root.tag != "annotation":
        raise FormatError(name, f"the root element is <{root.tag}>", root.line, "<annotation>")
    try:
        key, member = media.resolve(_image_name(root, name), name, beside=True)
    except SourceError as error:
        yield Refusal(
            name,
            error.reason,
            "a relative file name",
            root.line,
            field="filename",
            whole=True,
            annotations=_objects(root),
        )
        return
    key = options.key_prefix + key
    if problem := key_problem(key):
        yield Refusal(
            name,
            "the sample key is not valid",
            problem,
            root.line,
            key,
            whole=True,
            annotations=_objects(root),
        )
        return
    drafts: list[Draft] = []
    refused = 0
    for at, node in enumerate(root.all("object")):
        draft = _object(node, name, key, at)
        if isinstance(draft, Refusal):
            refused += 1
            yield draft
        else:
            drafts.append(draft)
    size = _size(root)
    sample = SampleDraft(MediaRef(member, width=size[0], height=size[1]))
    yield Record(key, sample, {IMPORTED: LayerDraft(tuple(drafts))}, holds, name, root.line, refused)


def _objects(root: Node) -> int:
    return sum(1 for _ in root.all("object"))


def _image_name(root: Node, file: str) -> str:
    """<filename>; its extension from <path> when it lacks one."""
    given = (root.get("filename") or basename(file).removesuffix(".xml")).replace("\\", "/")
    path = basename((root.get("path") or "").replace("\\", "/"))
    if not is_image(given) and is_image(path) and splitext(path)[0] == basename(given):
        given += splitext(path)[1]
    return given


def _size(root: Node) -> tuple[int | None, int | None]:
    size = root.find("size")
    if size is None:
        return None, None
    width, height = (parse_number(size.get(tag) or "") for tag in ("width", "height"))
    return (int(width) if width and width > 0 else None), (int(height) if height and height > 0 else None)


def _object(node: Node, file: str, key: str, at: int) -> Draft | Refusal:
    def refuse(reason: str, expected: str, field: str, line: int, raw: str = "") -> Refusal:
        return Refusal(file, reason, expected, line, key, f"object {at + 1}", field, excerpt(raw))

    name, box = node.get("name"), node.find("bndbox")
    if name is None:
        return refuse("the object has no name", "a <name> with the class", "name", node.line)
    if box is None:
        return refuse("the object has no <bndbox>", "a <bndbox> with corners", "bndbox", node.line, name)
    corners: list[float] = []
    for tag in _CORNERS:
        value = parse_number(box.get(tag) or "")
        if value is None:
            return refuse(f"{tag} is not a number", "a finite number", tag, box.line, box.get(tag) or "")
        corners.append(value)
    x, y, right, bottom = corners
    try:
        geometry = Box(x, y, right - x, bottom - y)
    except InvalidValue as error:
        raw = ",".join(map(short, corners))
        return refuse("the box has no area", error.expected, "bndbox", box.line, raw)
    return Draft(Kind.BOX, ClassName(name), (geometry,), _flags(node), line=node.line)


def _flags(node: Node) -> MappingProxyType[str, Scalar]:
    found: dict[str, Scalar] = {}
    pose = node.get("pose")
    if pose is not None and pose != "Unspecified":
        found["source.pose"] = pose
    for name in _FLAGS:
        value = node.get(name)
        if value is not None and value != "0":
            number = parse_number(value)
            found[f"source.{name}"] = value if number is None else number
    return MappingProxyType(found)


def _express(draft: Draft, written: SampleDraft) -> Draft | None:
    box = draft.geometry()
    if draft.kind is not Kind.BOX or draft.label_class is None or not isinstance(box, Box) or box.rotation:
        return None
    if box.frame is Frame.RELATIVE:
        if written.size is None:
            return None
        width, height = written.size
        x, y, w, h = box.x * width, box.y * height, box.w * width, box.h * height
    else:
        x, y, w, h = box.x, box.y, box.w, box.h
    held = within(lambda: Box(x, y, (x + w) - x, (y + h) - y))
    if held is None:
        return None
    attributes = {n: v for n, a in _SCOPE.part(draft.attributes).items() if (v := _flag(n, a)) is not None}
    return Draft(Kind.BOX, draft.label_class, (held,), MappingProxyType(attributes))


def _flag(name: str, value: Scalar) -> Scalar:
    """What reading gives back of an attribute in VOC's scope; None for defaults."""
    text = _flag_text(value)
    if name == "source.pose":
        return None if text in ("", "Unspecified") else text
    if text in ("", "0"):
        return None
    number = parse_number(text)
    return text if number is None else number


def _flag_text(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return short(value) if isinstance(value, int | float) else escape_back(value.strip())


def escape_back(text: str) -> str:
    """Text as it reads back from XML: carriage returns are kept as references, forbidden controls replaced."""
    return "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in text).strip()


def _document(record: Record, drafts: Sequence[Draft]) -> str:
    width, height = record.sample.size or (0, 0)
    lines = [
        "<annotation>",
        f"\t<folder>{escape(dirname(record.key))}</folder>",
        f"\t<filename>{escape(basename(record.key))}</filename>",
        "\t<source>\n\t\t<database>LabelHub</database>\n\t</source>",
        f"\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n\t\t<depth>3</depth>\n\t</size>",
        "\t<segmented>0</segmented>",
        *(_object_xml(draft) for draft in drafts),
        "</annotation>",
    ]
    return "\n".join(lines) + "\n"


def _object_xml(draft: Draft) -> str:
    box = draft.geometry()
    if not isinstance(box, Box) or draft.label_class is None:
        raise FormatError("", "only boxes with a class are written as VOC")
    said = {name: _flag_text(draft.attributes.get(f"source.{name}")) for name in ("pose", *_FLAGS)}
    corners = (box.x, box.y, box.x + box.w, box.y + box.h)
    flags = [
        ("pose", said["pose"] or "Unspecified"),
        *((n, said[n] or "0") for n in _FLAGS if n != "occluded" or said[n]),
    ]
    rows = [f"\t\t<{n}>{escape(v)}</{n}>" for n, v in flags]
    box_rows = [f"\t\t\t<{n}>{short(v)}</{n}>" for n, v in zip(_CORNERS, corners, strict=True)]
    name = escape(escape_back(draft.label_class.name))
    return "\n".join(
        [
            "\t<object>",
            f"\t\t<name>{name}</name>",
            *rows,
            "\t\t<bndbox>",
            *box_rows,
            "\t\t</bndbox>",
            "\t</object>",
        ]
    )
