"""Canonical records of samples and files (FORMAT-RECORDS.md, "Sample record", "File record").

Invariant: equal samples give equal bytes; a text above INLINE_LIMIT bytes is kept apart under the address of its
UTF-8 bytes, a shorter one never is. Cost: O(bytes of the record).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repos.annotations.codec import attributes_bytes, attributes_from
from repos.annotations.errors import InvalidValue, MalformedRecord
from repos.annotations.model import Media, MediaState, Sample
from repos.annotations.rest import INLINE_LIMIT, DetachedPart
from repos.annotations.wire import Reader, Writer
from repos.labelstore.digest import ADDRESS_BYTES, Address
from repos.labelstore.ports import NodeReader, NodeWriter

_NONE, _MEDIA, _TEXT, _TEXT_APART = range(4)
_STATES = tuple(MediaState)
_STORED = _STATES.index(MediaState.STORED)
_SHA, _TYPE, _SIZE, _WIDTH, _HEIGHT, _DURATION, _URI, _ORIENTATION = (1 << i for i in range(8))


def sample_bytes(sample: Sample) -> bytes:
    """The record with its text inline."""
    w = Writer()
    if sample.media is not None:
        w.byte(_MEDIA)
        _write_media(w, sample.media)
    elif sample.text is not None:
        w.byte(_TEXT)
        w.text(sample.text)
    else:
        w.byte(_NONE)
    w.raw(attributes_bytes(sample.fields))
    return w.done()


def _write_media(w: Writer, m: Media) -> None:
    w.byte(_STATES.index(m.state))
    numbers = ((_SIZE, m.size), (_WIDTH, m.width), (_HEIGHT, m.height))
    bits = sum(bit for bit, value in numbers if value is not None)
    bits |= _SHA * (m.sha256 is not None) | _TYPE * bool(m.media_type) | _URI * (m.uri is not None)
    bits |= _DURATION * (m.duration is not None) | _ORIENTATION * (m.orientation != 1)
    w.byte(bits)
    w.raw(m.sha256 or b"")
    if m.media_type:
        w.text(m.media_type)
    for _, value in numbers:
        if value is not None:
            w.uint(value)
    if m.duration is not None:
        w.double(m.duration)
    if m.uri is not None:
        w.text(m.uri)
    if m.orientation != 1:
        w.byte(m.orientation)


def _read_media(r: Reader) -> Media:
    state = _STATES[r.code(len(_STATES), "media state")]
    bits = r.byte()
    try:
        media = Media(
            state,
            r.take(32) if bits & _SHA else None,
            r.string() if bits & _TYPE else "",
            r.varint() if bits & _SIZE else None,
            r.varint() if bits & _WIDTH else None,
            r.varint() if bits & _HEIGHT else None,
            r.double() if bits & _DURATION else None,
            orientation=1,
            uri=r.string() if bits & _URI else None,
        )
        if not bits & _ORIENTATION:
            return media
        return Media(
            media.state, media.sha256, media.media_type, media.size, media.width, media.height,
            media.duration, r.byte(), media.uri,
        )  # fmt: skip
    except InvalidValue as broken:
        raise r.expected(f"{broken.what} with {broken.expected}") from None


def sample_from(record: bytes) -> Sample:
    """The sample of a record; DetachedPart when its text lies apart."""
    r = Reader(record, "sample")
    sort = r.code(4, "content")
    if sort == _TEXT_APART:
        raise DetachedPart(r.take(ADDRESS_BYTES))
    media = _read_media(r) if sort == _MEDIA else None
    text = r.string() if sort == _TEXT else None
    return Sample(media, text, attributes_from(r.take(r.left)))


def fields_offset(record: bytes) -> int:
    """Where the fields begin, without making the sample: what bulk checks of fields need."""
    try:
        at = _behind_content(record)
    except IndexError:
        at = len(record) + 1
    if at > len(record):
        raise MalformedRecord("sample", len(record), "a record that does not end in its content")
    return at


def _behind_content(record: bytes) -> int:
    """Only lengths are read, as this is asked of every record of an import."""
    if record[0] == _NONE:
        return 1
    if record[0] == _TEXT_APART:
        return 1 + ADDRESS_BYTES
    if record[0] == _TEXT:
        return _behind_blob(record, 1)
    bits = record[2]
    at = 3 + (32 if bits & _SHA else 0)
    if bits & _TYPE:
        at = _behind_blob(record, at)
    for bit in (_SIZE, _WIDTH, _HEIGHT):
        if bits & bit:
            at = _behind_varint(record, at)
    at += 8 if bits & _DURATION else 0
    if bits & _URI:
        at = _behind_blob(record, at)
    return at + bool(bits & _ORIENTATION)


def _behind_varint(record: bytes, at: int) -> int:
    while record[at] >= 0x80:
        at += 1
    return at + 1


def _behind_blob(record: bytes, at: int) -> int:
    length = record[at]
    if length < 0x80:
        return at + 1 + length
    r = Reader(record, "sample", at)
    length = r.varint()
    return r.at + length


def media_of(record: bytes) -> tuple[bytes, int | None] | None:
    """Digest and declared size of the stored medium that a record names, without making the sample; None when it names
    none. For walks over everything."""
    if record[0] != _MEDIA or len(record) < 3 or record[1] != _STORED or not record[2] & _SHA:
        return None
    r = Reader(record, "sample", 3)
    digest, bits = r.take(32), record[2]
    if bits & _TYPE:
        r.blob()
    return digest, r.varint() if bits & _SIZE else None


def has_text(record: bytes) -> bool:
    """Whether a record is that of a text, in place or apart."""
    return record[0] in (_TEXT, _TEXT_APART)


def text_address(record: bytes) -> Address | None:
    """Where the text of a record lies, when apart."""
    if record[:1] != bytes((_TEXT_APART,)):
        return None
    return Reader(record, "sample", 1).take(ADDRESS_BYTES)


def detach_text(record: bytes, nodes: NodeWriter) -> bytes:
    """The record with a long text stored apart."""
    if len(record) <= INLINE_LIMIT or record[0] != _TEXT:
        return record
    r = Reader(record, "sample", 1)
    text = r.blob()
    if len(text) <= INLINE_LIMIT:
        return record
    return bytes((_TEXT_APART,)) + nodes.put(text) + record[r.at :]


def attach_texts(records: Sequence[bytes], nodes: NodeReader) -> list[bytes]:
    """Records with every text inline, in one round trip."""
    wanted = [a for record in records if (a := text_address(record)) is not None]
    if not wanted:
        return list(records)
    loaded = nodes.get_many(list(dict.fromkeys(wanted)))
    out = []
    for record in records:
        address = text_address(record)
        if address is not None:
            w = Writer()
            w.byte(_TEXT)
            w.blob(loaded[address])
            record = w.done() + record[1 + ADDRESS_BYTES :]
        out.append(record)
    return out


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of the repository: digest and size; `media`: the bytes are a stored blob and no object of the tree."""

    sha256: bytes
    size: int
    media: bool = False


def file_bytes(file: FileRecord) -> bytes:
    if len(file.sha256) != 32:
        raise InvalidValue("file.sha256", file.sha256, "32 bytes")
    w = Writer()
    w.byte(file.media)
    w.raw(file.sha256)
    w.uint(file.size)
    return w.done()


def file_from(record: bytes) -> FileRecord:
    r = Reader(record, "file")
    media, digest, size = r.flag(), r.take(32), r.varint()
    r.done()
    return FileRecord(digest, size, media)
