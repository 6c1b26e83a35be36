"""What an upload seems to be: guesses, and a preview of reading it as one format.

Cost: heads of a few files and the first records, at most a few seconds whatever the size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from repos.annotations.drafts import Record
from repos.formats.errors import BadOption, SourceError
from repos.formats.look import Guess, Look
from repos.formats.options import Options
from repos.formats.recognise import Preview, Recognised, preview_of, recognise
from repos.formats.registry import FORMATS
from repos.formats.rows import ROLES
from repos.formats.tables import EXTENSIONS, header_of
from repos.models import Upload
from repos.services.imports import options_of
from repos.services.sources import source_of

SHOWN_LABELS = 4
VOTE_ROLES = ("item", "annotator", "label", "gold")
TABLES: Mapping[str, Sequence[str]] = {"csv": ROLES, "jsonl": ROLES, "votes": VOTE_ROLES}
SAID = {
    "file": "file of the picture or sound",
    "id": "key",
    "text": "text",
    "label": "label",
    "spans": "spans",
    "uri": "address of the media",
    "item": "item",
    "annotator": "annotator",
    "gold": "gold answer",
}


@dataclass(frozen=True)
class Role:
    """One row of the mapping form."""

    name: str
    title: str
    column: str


@dataclass(frozen=True)
class Shown:
    """A sample of the preview: how many labels it has, and the first of them in words."""

    key: str
    text: str
    annotations: int
    labels: list[str]

    @property
    def more(self) -> int:
        return self.annotations - len(self.labels)


@dataclass
class Proposal:
    """`problem`: why the files cannot be read at all. `roles` is empty for formats without columns."""

    format: str = ""
    title: str = ""
    guesses: list[Guess] = field(default_factory=list)
    preview: Preview = field(default_factory=Preview)
    columns: list[str] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    options: str = "{}"
    problem: str = ""

    @property
    def classes(self) -> list[tuple[str, int]]:
        """Most frequent first."""
        return self.preview.classes.most_common()

    @property
    def kinds(self) -> list[tuple[str, int]]:
        return self.preview.kinds.most_common()

    @property
    def samples(self) -> list[Shown]:
        return [shown(record) for record in self.preview.samples]

    @property
    def reasons(self) -> Sequence[str]:
        return next((guess.reasons for guess in self.guesses if guess.format == self.format), ())


def shown(record: Record) -> Shown:
    drafts = [draft for layer in record.layers.values() for draft in layer.annotations]
    words = [d.label_class.path if d.label_class else d.kind.value for d in drafts[:SHOWN_LABELS]]
    return Shown(record.key, record.sample.text or "", len(drafts), words)


def guesses(upload: Upload, previews: int) -> list[Recognised]:
    """Best first, the first few with a preview. SourceError when the files cannot be read."""
    return recognise(source_of(upload), previews=previews)


def proposal(upload: Upload, wanted: str = "", columns: Mapping[str, str] | None = None) -> Proposal:
    """The best guess, or the format that was asked for, with a preview and the columns of tables."""
    made = Proposal()
    try:
        source = source_of(upload)
        look = Look(source)
        found = [g for f in FORMATS.values() if (g := f.recognise(look)) is not None and g.confidence > 0]
        made.guesses = sorted(found, key=lambda g: -g.confidence)
        made.format = wanted if wanted in FORMATS else made.guesses[0].format if made.guesses else ""
        if not made.format:
            return made
        made.title = FORMATS[made.format].title
        guess = next((g for g in made.guesses if g.format == made.format), None)
        options = options_of(guess.options) if guess else Options()
        if columns:
            options = replace(options, columns=columns)
        made.options = json.dumps(dict(guess.options) if guess else {})
        made.preview = preview_of(source, made.format, options)
        made.preview.estimated_samples = (guess.estimate or guess.files or None) if guess else None
        _map(made, look, options)
    except (SourceError, BadOption) as error:
        made.problem = str(error)
    return made


def _map(made: Proposal, look: Look, options: Options) -> None:
    """Columns that there are, and which role each has."""
    roles = TABLES.get(made.format)
    if roles is None:
        return
    tables = look.of(*EXTENSIONS)
    named = dict(options.columns or {})
    if made.format == "jsonl":
        first = made.preview.samples[0].sample.fields if made.preview.samples else {}
        made.columns = [*dict.fromkeys([*named.values(), *first])]
    elif tables:
        made.columns = [column for column in header_of(look, tables[0]) if column]
    made.roles = [Role(name, SAID.get(name, name), named.get(name, "")) for name in roles]
