"""Options of readers and writers: one closed set for all formats, so that a form, the API and a job say the
same.

Invariant: an unknown option or a wrong value is refused by name; every option has a default that is right for
a file that nobody described.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from repos.formats.errors import BadOption

Columns = Mapping[str, str]
"""Role -> column name: file, text, label, item, annotator, gold, id, split, spans, uri."""


@dataclass(frozen=True)
class Options:
    """`columns`: role -> column name. `key_from`: how a text without an id gets its key, by content or by
    number. `key_prefix`: put before every key. `class_names`: names for formats that only hold numbers.
    `class_attribute`: the VIA region attribute that is the class. `import_id`: makes annotators and layers
    `ext:<import_id>:<name>`. `polygons`: write polygons (YOLO segmentation lines). `keep_ids`: keep a file's
    own ids as `source.id`. `known_size`: sample key -> (width, height) of media already there; `find_image`:
    a reference -> a known key; `annotator_name`, `annotator_of`: opaque id -> name in files and back (they
    must be inverse). `dialect`: variant of a format (CoNLL: iob2, uner; VIA: json, csv). `separator`: between
    cells of tables (default: comma, tab in .tsv). `label_separator`: between several labels in one cell.
    `class_from`: what gives the class in folders of media."""

    columns: Columns | None = None
    key_from: str = "content"
    key_prefix: str = ""
    class_names: tuple[str, ...] = ()
    class_attribute: str = ""
    import_id: str = "import"
    polygons: bool = False
    keep_ids: bool = False
    encoding: str = "utf-8-sig"
    separator: str = ""
    label_separator: str = ""
    dialect: str = ""
    class_from: str = "parent"
    progress_every: int = 1000
    known_size: Callable[[str], tuple[int, int] | None] | None = None
    find_image: Callable[[str], str | None] | None = None
    annotator_name: Callable[[str], str] | None = None
    annotator_of: Callable[[str], str] | None = None

    def annotator_id(self, name: str) -> str:
        """The opaque id of an annotator that a file knows by name: never an account, unless the caller maps
        it."""
        if self.annotator_of is not None:
            return self.annotator_of(name)
        return f"ext:{self.import_id}:{name}"

    def name_of_annotator(self, annotator: str) -> str:
        """What a file says for an opaque id; an id of this import gives its name back."""
        if self.annotator_name is not None:
            return self.annotator_name(annotator)
        return annotator.removeprefix(f"ext:{self.import_id}:")


_CHOICES = {"key_from": ("content", "number"), "class_from": ("parent", "top", "none")}
_CALLABLE = ("known_size", "find_image", "annotator_name", "annotator_of")


def options_from(given: Mapping[str, object]) -> Options:
    """Options from JSON. Raises BadOption naming the option."""
    known = {f.name: f for f in fields(Options) if f.name not in _CALLABLE}
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in known:
            raise BadOption(name, value, f"one of {', '.join(sorted(known))}")
        values[name] = _checked(name, value)
    return replace(Options(), **values)  # type: ignore[arg-type]


def _checked(name: str, value: object) -> object:
    default = getattr(Options(), name)
    if name == "columns":
        if not isinstance(value, Mapping) or not all(
            isinstance(v, str) for pair in value.items() for v in pair
        ):
            raise BadOption(name, value, "an object of role -> column name")
        return dict(value)
    if name == "class_names":
        if (
            isinstance(value, str)
            or not isinstance(value, list | tuple)
            or not all(isinstance(v, str) for v in value)
        ):
            raise BadOption(name, value, "a list of names")
        return tuple(value)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise BadOption(name, value, " or ".join(_CHOICES[name]))
    if type(value) is not type(default):
        raise BadOption(name, value, f"a {type(default).__name__}")
    return value
