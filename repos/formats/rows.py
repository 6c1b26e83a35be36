"""A row of a table or a JSON object of classification data -> a record, and back.

Roles of columns: `file` (media; gives the key), `id` (the key), `text`, `label`, `spans`, `uri`. Any other
column is a field of the sample. Without file and id a text is keyed by its content. Cost: constant per row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from repos.annotations.errors import InvalidValue
from repos.annotations.model import Kind, Scalar, Span
from repos.formats.coco_values import canonical, scalar
from repos.formats.errors import BadOption, SourceError
from repos.formats.keying import Media, TextKeys, is_audio, is_image, key_problem
from repos.formats.options import Options
from repos.formats.records import (
    IMPORTED,
    AttributeScope,
    ClassName,
    Draft,
    Holds,
    LayerDraft,
    MediaRef,
    Record,
    Refusal,
    SampleDraft,
    excerpt,
)

ROLES = ("file", "id", "text", "label", "spans", "uri")
_USUAL: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "file_name", "image", "image_path", "path", "filepath", "audio", "img"),
    "id": ("id", "key", "uid", "guid", "sample_id"),
    "text": ("text", "sentence", "utterance", "content", "document", "review", "tweet"),
    "label": ("label", "labels", "class", "category", "intent", "target", "sentiment", "digit", "y"),
    "spans": ("spans", "entities"),
    "uri": ("uri", "url", "image_url"),
}


def propose_columns(header: Sequence[str]) -> dict[str, str]:
    """Role -> column by the usual names; empty when there is no label or nothing that says what is labelled."""
    lower = {name.strip().lower(): name for name in reversed(header)}
    found = {
        role: lower[usual] for role, names in _USUAL.items() for usual in reversed(names) if usual in lower
    }
    labelled, thing = {"label", "spans"} & set(found), {"file", "text", "id", "uri"} & set(found)
    return found if labelled and thing else {}


@dataclass(frozen=True, slots=True)
class RowReader:
    """Makes records of rows of one file. `header`: all columns, where there is one."""

    file: str
    columns: Mapping[str, str]
    media: Media
    texts: TextKeys
    options: Options
    typed: bool

    def holds(self, fields: frozenset[str]) -> Holds:
        kinds = {Kind.CLASSIFICATION} if "label" in self.columns else set()
        if "spans" in self.columns:
            kinds.add(Kind.SPAN)
        return Holds(frozenset(kinds), fields=AttributeScope(names=fields), text="text" in self.columns)

    def read(self, row: Mapping[str, object], line: int) -> list[Record | Refusal]:
        """The record, after the refusals of its annotations; or one refusal of the whole."""
        said = {role: row.get(column) for role, column in self.columns.items()}
        labels, spans = _listed(said.get("label"), self.options), said.get("spans") or []
        try:
            key, sample = self._sample(said, row)
        except InvalidValue as error:
            count = len(labels) + (len(spans) if isinstance(spans, list) else 1)
            return [
                Refusal(
                    self.file,
                    f"{error.what}: {excerpt(error.value, 60)}",
                    error.expected,
                    line,
                    _text(said.get("id")),
                    field=error.what,
                    excerpt=excerpt(row),
                    whole=True,
                    annotations=count,
                )
            ]
        out: list[Record | Refusal] = []
        drafts: list[Draft] = []
        for at, (make, raw) in enumerate(
            [*((_label, v) for v in labels), *((_span, v) for v in _list(spans))]
        ):
            try:
                draft = make(raw, sample.text, line)
                if draft in drafts:
                    raise InvalidValue(draft.kind.value, raw, "each label of a sample once")
                drafts.append(draft)
            except InvalidValue as error:
                out.append(
                    Refusal(
                        self.file,
                        f"{error.what}: {excerpt(error.value, 60)}",
                        error.expected,
                        line,
                        key,
                        str(at + 1),
                        error.what,
                        excerpt(raw),
                    )
                )
        holds = self.holds(frozenset(sample.fields) | _fields_of(row, self.columns))
        return [
            *out,
            Record(key, sample, {IMPORTED: LayerDraft(tuple(drafts))}, holds, self.file, line, len(out)),
        ]

    def _sample(self, said: Mapping[str, object], row: Mapping[str, object]) -> tuple[str, SampleDraft]:
        text = said.get("text")
        if "text" in self.columns and not isinstance(text, str):
            raise InvalidValue("text", text, "a text")
        media = self._media(said)
        key = _text(said.get("id"))
        if key is None:
            key = media[0] if media else (self.texts.of(text) if isinstance(text, str) else None)
            key = key if key is None or not media else self.options.key_prefix + key
        else:
            key = self.options.key_prefix + key
        if key is None:
            raise InvalidValue("row", "no file, id or text", "a file, an id or a text in every row")
        if problem := key_problem(key):
            raise InvalidValue("key", key, problem)
        fields = {
            n: _field(row[n])
            for n in _fields_of(row, self.columns)
            if row[n] is not None and (self.typed or row[n] != "")
        }
        reference = None if text is not None or media is None else media[1]
        return key, SampleDraft(reference, text if isinstance(text, str) else None, MappingProxyType(fields))

    def _media(self, said: Mapping[str, object]) -> tuple[str, MediaRef] | None:
        name, uri = _text(said.get("file")), _text(said.get("uri"))
        if name is None and uri is None:
            return None
        if name is None:
            return re.sub(r"^[a-z]+://", "", uri or ""), MediaRef(uri=uri)
        try:
            key, member = self.media.resolve(name, self.file)
        except SourceError as error:
            raise InvalidValue("file", name, f"a relative path ({error.reason})") from None
        return key, MediaRef(member, uri)


def _fields_of(row: Mapping[str, object], columns: Mapping[str, str]) -> frozenset[str]:
    used = set(columns.values())
    return frozenset(n for n in row if n and n not in used)


def _field(value: object) -> Scalar:
    return canonical(scalar(value))


def _text(value: object) -> str | None:
    if value is None or value == "" or isinstance(value, bool):
        return None
    return str(value) if isinstance(value, str | int | float) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _listed(value: object, options: Options) -> list[object]:
    """The labels of a cell; an empty cell has none."""
    if isinstance(value, list):
        return value
    if isinstance(value, str) and options.label_separator:
        value = [part for part in (p.strip() for p in value.split(options.label_separator)) if part]
        return list(value)
    return [] if value is None or (isinstance(value, str) and not value.strip()) else [value]


def _label(value: object, text: str | None, line: int) -> Draft:
    if isinstance(value, bool) or (isinstance(value, float) and value == int(value)):
        value = str(value).lower() if isinstance(value, bool) else str(int(value))
    if not isinstance(value, str | int | float) or not str(value).strip():
        raise InvalidValue("label", value, "the name of a class")
    return Draft(Kind.CLASSIFICATION, ClassName(str(value).strip()), line=line)


def _span(value: object, text: str | None, line: int) -> Draft:
    if not isinstance(value, dict) or not isinstance(value.get("label"), str) or not value["label"].strip():
        raise InvalidValue("span", value, "an object with start, end and label")
    start, end = value.get("start"), value.get("end")
    if type(start) is not int or type(end) is not int:
        raise InvalidValue("span", value, "whole numbers start and end")
    if text is None or not 0 <= start < end <= len(text):
        raise InvalidValue(
            "span", f"{start}..{end}", f"0 <= start < end <= {len(text or '')}, the length of the text"
        )
    return Draft(Kind.SPAN, ClassName(value["label"].strip()), (Span(start, end),), line=line)


def express(
    drafts: Sequence[Draft], written: SampleDraft, kinds: frozenset[Kind], many: bool
) -> list[Draft | None]:
    """Labels by name, each once, only the first where a cell holds one; spans of a text."""
    seen: set[str] = set()
    found: list[Draft | None] = []
    for draft in drafts:
        name, shape = draft.label_class, draft.geometry()
        if name is None or draft.kind not in kinds or not name.name or name.name != name.name.strip():
            found.append(None)
        elif draft.kind is Kind.CLASSIFICATION:
            free = name.name not in seen and (many or not seen)
            seen |= {name.name}
            found.append(Draft(Kind.CLASSIFICATION, name) if free else None)
        else:
            fits = isinstance(shape, Span) and written.text is not None and shape.end <= len(written.text)
            span = Draft(Kind.SPAN, name, (shape,)) if fits and isinstance(shape, Span) else None
            found.append(None if span in found else span)
    return found


def columns_of(header: Sequence[str], options: Options) -> dict[str, str]:
    """Role -> column: the option's, checked against the header, else what the usual names say."""
    if options.columns is None:
        return propose_columns(header)
    for role, column in options.columns.items():
        if role not in ROLES:
            raise BadOption("columns", role, f"roles {', '.join(ROLES)}")
        if header and column not in header:
            raise BadOption("columns", column, f"one of the columns {', '.join(header)}")
    return dict(options.columns)


def is_media(name: str) -> bool:
    return is_image(name) or is_audio(name)


def json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()
