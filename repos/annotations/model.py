"""What a sample is and what an annotation on it is: frozen values, checked where they are made.

Invariant: a value that exists is canonical. Floats are finite doubles with -0 written as 0, classes and ids are
16 raw bytes, attributes are sorted by name, texts are kept code point for code point. Two equal values encode to
equal bytes (docs/design/FORMAT.md), so equality of values and equality of digests are the same thing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from repos.annotations.errors import InvalidValue
from repos.annotations.numbers import LAST, MASK_PIXELS, SMALLEST, START, number, place

Scalar = bool | int | float | str | None
Ring = tuple[tuple[float, float], ...]
EMPTY: Mapping[str, Scalar] = MappingProxyType({})


class Kind(StrEnum):
    """Primary kind of an annotation. The order is the order of the codes in FORMAT.md."""

    CLASSIFICATION = "classification"
    BOX = "box"
    POLYGON = "polygon"
    MASK = "mask"
    KEYPOINTS = "keypoints"
    SPAN = "span"
    RELATION = "relation"
    SEGMENT = "segment"
    TEXT = "text"
    VALUE = "value"
    TRACK = "track"


class Origin(StrEnum):
    HUMAN = "human"
    MODEL = "model"
    IMPORT = "import"
    REFACTORING = "refactoring"


class Frame(StrEnum):
    """Where coordinates live: the stored pixel grid (origin top left) or 0..1 of an unknown size."""

    PIXEL = "pixel"
    RELATIVE = "relative"


class ReviewState(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    UNSURE = "unsure"


class MediaState(StrEnum):
    STORED = "stored"
    EXTERNAL = "external"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned unless `rotation` (degrees clockwise about the centre). w, h >= SMALLEST, in units of `frame`."""

    x: float
    y: float
    w: float
    h: float
    rotation: float = 0.0
    frame: Frame = Frame.PIXEL

    def __post_init__(self) -> None:
        for name in ("x", "y", "w", "h", "rotation"):
            object.__setattr__(self, name, place(getattr(self, name), f"box.{name}"))
        if self.w < SMALLEST or self.h < SMALLEST:
            raise InvalidValue(
                "box", f"{self.w:g} x {self.h:g}", f"width and height of at least {SMALLEST:g}"
            )


@dataclass(frozen=True, slots=True)
class Polygon:
    """Parts of rings; in each part the first ring is the outer one, the rest are holes. Rings are not closed."""

    parts: tuple[tuple[Ring, ...], ...]
    frame: Frame = Frame.PIXEL

    def __post_init__(self) -> None:
        if not self.parts:
            raise InvalidValue("polygon", "no parts", "at least one part")
        try:
            parts = tuple(tuple(_ring(ring) for ring in part) for part in self.parts)
        except (TypeError, ValueError):
            raise InvalidValue("polygon.parts", self.parts, "parts of rings of (x, y) points") from None
        if any(not part for part in parts):
            raise InvalidValue("polygon", "a part without rings", "at least an outer ring")
        object.__setattr__(self, "parts", parts)


def _ring(points: Ring) -> Ring:
    ring = tuple((place(x, "polygon.x"), place(y, "polygon.y")) for x, y in points)
    while len(ring) > 1 and ring[0] == ring[-1]:  # some tools close what is closed
        ring = ring[:-1]
    if len(ring) < 3:
        raise InvalidValue("polygon", f"{len(ring)} points", "at least 3 points in a ring")
    return ring


@dataclass(frozen=True, slots=True)
class Mask:
    """Run lengths in column-major order, beginning with zeros (COCO, uncompressed), over height x width pixels."""

    height: int
    width: int
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.height <= 0 or self.width <= 0:
            raise InvalidValue("mask.size", f"{self.height} x {self.width}", "a size above 0")
        if self.height * self.width >= MASK_PIXELS:
            raise InvalidValue(
                "mask.size", f"{self.height} x {self.width}", f"fewer than {MASK_PIXELS} pixels"
            )
        if any(c < 0 for c in self.counts) or sum(self.counts) != self.height * self.width:
            raise InvalidValue(
                "mask.counts", sum(self.counts), f"runs that sum to {self.height * self.width}"
            )


@dataclass(frozen=True, slots=True)
class Keypoints:
    """(x, y, visibility) in the order of the class's keypoint names; visibility 0 absent, 1 hidden, 2 visible."""

    points: tuple[tuple[float, float, int], ...]
    frame: Frame = Frame.PIXEL

    def __post_init__(self) -> None:
        try:
            points = tuple(
                (place(x, "keypoints.x"), place(y, "keypoints.y"), int(v)) for x, y, v in self.points
            )
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue("keypoints", self.points, "points of (x, y, visibility)") from None
        if not points or any(v not in (0, 1, 2) for _, _, v in points):
            raise InvalidValue("keypoints", self.points, "points with visibility 0, 1 or 2")
        object.__setattr__(self, "points", points)


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of code points of the sample's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise InvalidValue("span", f"{self.start}..{self.end}", "0 <= start < end")


@dataclass(frozen=True, slots=True)
class Segment:
    """Time interval in seconds, start < end."""

    start: float
    end: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", number(self.start, "segment.start"))
        object.__setattr__(self, "end", number(self.end, "segment.end"))
        if not 0 <= self.start < self.end:
            raise InvalidValue("segment", f"{self.start:g}..{self.end:g}", "0 <= start < end")


@dataclass(frozen=True, slots=True)
class Relation:
    """Directed: from one annotation to another of the same sample and layer. Ids are 16 raw bytes."""

    source: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """A caption, a transcript, an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Value:
    value: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", number(self.value, "value"))


@dataclass(frozen=True, slots=True)
class Track:
    """Frame number -> box; frame numbers ascend."""

    frames: tuple[tuple[int, float, float, float, float], ...]
    frame: Frame = Frame.PIXEL

    def __post_init__(self) -> None:
        try:
            frames = tuple((int(n), *(place(v, "track") for v in box)) for n, *box in self.frames)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue("track", self.frames, "frames of [number, x, y, w, h]") from None
        if not frames or any(len(f) != 5 or f[3] < SMALLEST or f[4] < SMALLEST for f in frames):
            raise InvalidValue(
                "track", "frames", f"frames of [number, x, y, w, h], w and h at least {SMALLEST:g}"
            )
        if any(b[0] <= a[0] for a, b in pairwise(frames)):
            raise InvalidValue("track", "frame numbers", "ascending frame numbers")
        object.__setattr__(self, "frames", frames)


Geometry = Box | Polygon | Mask | Keypoints | Span | Relation | Segment | Text | Value | Track

GEOMETRY_KIND: Mapping[type, Kind] = MappingProxyType(
    {
        Box: Kind.BOX,
        Polygon: Kind.POLYGON,
        Mask: Kind.MASK,
        Keypoints: Kind.KEYPOINTS,
        Span: Kind.SPAN,
        Relation: Kind.RELATION,
        Segment: Kind.SEGMENT,
        Text: Kind.TEXT,
        Value: Kind.VALUE,
        Track: Kind.TRACK,
    }
)
_PLACE: Mapping[type, int] = {kind: list(Kind).index(name) for kind, name in GEOMETRY_KIND.items()}
"""Geometries of one annotation are in the order of Kind."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who or what made the label: an opaque account or import id, never a name (LABEL_MODEL section 1)."""

    annotator: str = ""
    origin: Origin = Origin.HUMAN
    confidence: float | None = None

    def __post_init__(self) -> None:
        if self.confidence is not None:
            object.__setattr__(self, "confidence", number(self.confidence, "confidence"))


@dataclass(frozen=True, slots=True)
class Annotation:
    """One mark on one sample, in one layer. At most one geometry per kind, in the order of Kind."""

    id: bytes
    kind: Kind
    label_class: bytes | None = None
    geometries: tuple[Geometry, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=lambda: EMPTY)
    provenance: Provenance = Provenance()
    aliases: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.id) != 16:
            raise InvalidValue("annotation.id", self.id, "16 bytes")
        if self.label_class is not None and len(self.label_class) != 16:
            raise InvalidValue("annotation.class", self.label_class, "16 bytes")
        ordered = self.geometries
        if len(ordered) > 1:
            ordered = tuple(sorted(ordered, key=lambda g: _PLACE[type(g)]))
        kinds = [GEOMETRY_KIND[type(g)] for g in ordered]
        if len(set(kinds)) != len(kinds):
            raise InvalidValue("annotation.geometry", kinds, "at most one geometry per kind")
        if self.kind is not Kind.CLASSIFICATION and self.kind not in kinds:
            raise InvalidValue("annotation.geometry", kinds, f"a {self.kind} geometry, as the kind says")
        object.__setattr__(self, "geometries", tuple(ordered))
        object.__setattr__(self, "attributes", _attributes(self.attributes))
        object.__setattr__(self, "aliases", tuple(sorted(set(self.aliases))) if self.aliases else ())

    def geometry(self, kind: Kind | None = None) -> Geometry | None:
        """The geometry of `kind` (default: of the primary kind), or None."""
        wanted = self.kind if kind is None else kind
        return next((g for g in self.geometries if GEOMETRY_KIND[type(g)] is wanted), None)

    def __hash__(self) -> int:
        return hash((self.id, self.kind, self.label_class, self.geometries))


def _attributes(given: Mapping[str, Scalar]) -> Mapping[str, Scalar]:
    if not given:
        return EMPTY
    checked: dict[str, Scalar] = {}
    for name in sorted(given):
        value = given[name]
        if not name or not isinstance(value, bool | int | float | str | None):
            raise InvalidValue(f"attribute {name!r}", value, "a name with a boolean, number, text or null")
        if isinstance(value, int | float) and not isinstance(value, bool):
            if abs(value) > 2**53 and isinstance(value, int):
                raise InvalidValue(f"attribute {name!r}", value, "a number within 2**53, or a text")
            value = number(value, f"attribute {name!r}")
        checked[name] = value
    return MappingProxyType(checked)


@dataclass(frozen=True, slots=True)
class Review:
    """Review state of one sample in one layer; `at` is UTC seconds since the epoch, in the years 1 to 9999."""

    state: ReviewState
    by: str = ""
    at: int = 0

    def __post_init__(self) -> None:
        if not START <= self.at <= LAST:
            raise InvalidValue("review.at", self.at, "a second of the years 1 to 9999, in UTC")


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """What one layer says about one sample. An empty `done` entry means "nothing here"; no entry, "not looked at".

    Annotations are sorted by id and their ids are distinct.
    """

    annotations: tuple[Annotation, ...] = ()
    review: Review | None = None

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.annotations, key=lambda a: a.id))
        if any(a.id == b.id for a, b in pairwise(ordered)):
            raise InvalidValue(
                "annotation.id", "given twice", "ids that are distinct within a sample and layer"
            )
        object.__setattr__(self, "annotations", ordered)

    def __iter__(self) -> Iterator[Annotation]:
        return iter(self.annotations)


@dataclass(frozen=True, slots=True)
class Media:
    """Media content of a sample. `sha256` (32 raw bytes) and `size` in bytes when stored; `uri` when external."""

    state: MediaState
    sha256: bytes | None = None
    media_type: str = ""
    size: int | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    orientation: int = 1
    uri: str | None = None

    def __post_init__(self) -> None:
        if (self.state is MediaState.STORED) != (self.sha256 is not None):
            raise InvalidValue("media.sha256", self.sha256, "a SHA-256 exactly when the media is stored")
        if self.sha256 is not None and len(self.sha256) != 32:
            raise InvalidValue("media.sha256", self.sha256, "32 bytes")
        if not 1 <= self.orientation <= 8:
            raise InvalidValue("media.orientation", self.orientation, "1 to 8 (EXIF)")
        if self.duration is not None:
            object.__setattr__(self, "duration", number(self.duration, "media.duration"))


@dataclass(frozen=True, slots=True)
class Sample:
    """Content and fields of one sample; content is media, inline text, or nothing. Fields are keyed by field name."""

    media: Media | None = None
    text: str | None = None
    fields: Mapping[str, Scalar] = field(default_factory=lambda: EMPTY)

    def __post_init__(self) -> None:
        if self.media is not None and self.text is not None:
            raise InvalidValue("sample", "media and text", "media, text, or nothing")
        object.__setattr__(self, "fields", _attributes(self.fields))

    def __hash__(self) -> int:
        return hash((self.media, self.text, tuple(self.fields.items())))
