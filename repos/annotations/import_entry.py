"""One sample's entry of one layer: what an import makes of the annotations that are there.

Rule: the smallest edit whose export is the incoming record (LABEL_MODEL section 4, last paragraph). `express`
says what the format's writer makes of an existing annotation; what it cannot hold stays, and so does
everything of an annotation whose export equals the incoming one. Stages: ids of ours carried back; equal
exports; foreign ids under their rule; then the pairing that diff and merge use. Cost: linear where exports
are equal, else that of pairing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repos.annotations.drafts import Draft, Holds, LayerDraft, Refusal
from repos.annotations.errors import InvalidValue
from repos.annotations.ids import DerivedIds
from repos.annotations.import_fields import (
    FOREIGN,
    foreign_text,
    merged_attributes,
    merged_geometries,
    scalars,
)
from repos.annotations.import_schema import ImportSchema
from repos.annotations.model import (
    GEOMETRY_KIND,
    Annotation,
    Kind,
    LayerEntry,
    Origin,
    Provenance,
    Relation,
    Span,
)
from repos.annotations.pairing import Pairing, credible, pair

Express = Callable[[Sequence[Draft]], Sequence[Draft | None]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A draft with its class resolved: of the file, or what our export says of an annotation that is there."""

    draft: Draft
    label_class: bytes | None


@dataclass(slots=True)
class Merged:
    """The entry that results, None when nothing changes, and what happened."""

    entry: LayerEntry | None
    added: int = 0
    changed: int = 0
    removed: int = 0
    kept: int = 0
    held_back: int = 0
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry lies, for ids and refusals; `text_length` in code points, None when the sample has no
    text."""

    key: str
    layer: str
    file: str
    text_length: int | None


class EntryMerge:
    """Applies one LayerDraft over one entry. `names`: Annotation -> Draft, with class names, for `express`."""

    def __init__(
        self,
        place: Place,
        schema: ImportSchema,
        holds: Holds,
        express: Express,
        names: Callable[[Annotation], Draft],
        claimed: Callable[[str], str] = str,
    ) -> None:
        self.place, self.schema, self.holds, self.express, self.names = place, schema, holds, express, names
        self.claimed = claimed

    def merge(self, entry: LayerEntry | None, given: LayerDraft, refused: int) -> Merged:
        out = Merged(None)
        old = entry.annotations if entry else ()
        given = self._attributed(given, entry)
        incoming = self._incoming(given.annotations, out)
        drafts = [self.names(a) for a in old]
        expressed = self.express(drafts) if drafts else []
        held = {
            a.id: (a, self._expressed(a, e))
            for a, e in zip(old, expressed, strict=True)
            if e is not None and a.kind in self.holds.kinds
        }
        pairs, added, removed = self._pair(held, incoming)
        results: dict[bytes, Annotation] = {a.id: a for a in old}
        for annotation_id, new in pairs:
            self._update(held[annotation_id], new, results, out)
        for annotation_id in removed:
            if refused or out.refusals:
                out.held_back += 1
            else:
                del results[annotation_id]
                out.removed += 1
        self._add(added, old, results, out)
        review = given.review if entry is None or self.holds.review else entry.review
        if entry is None and not results and review is None:
            return out
        made = LayerEntry(tuple(results.values()), review)
        if entry is None or made != entry or made.review != entry.review:
            out.entry = made
        return out

    # ---- the file's side --------------------------------------------------------------------------------------

    def _attributed(self, given: LayerDraft, entry: LayerEntry | None) -> LayerDraft:
        """A label keeps the name it has; every other name in the file is what `claimed` makes of it."""
        there = {a.id: a.provenance.annotator for a in entry.annotations} if entry else {}
        drafts = [self._attributed_draft(d, there) for d in given.annotations]
        review = given.review
        if review is not None and review.by and (entry is None or review != entry.review):
            review = replace(review, by=self.claimed(review.by))
        return replace(given, annotations=tuple(drafts), review=review)

    def _attributed_draft(self, draft: Draft, there: Mapping[bytes, str]) -> Draft:
        said = draft.provenance.annotator
        if not said or (draft.carried_id is not None and there.get(draft.carried_id) == said):
            return draft
        name = self.claimed(said)
        return draft if name == said else replace(draft, provenance=replace(draft.provenance, annotator=name))

    def _incoming(self, drafts: Sequence[Draft], out: Merged) -> list[Incoming]:
        found: list[Incoming] = []
        for draft in drafts:
            try:
                found.append(self._resolved(draft))
            except InvalidValue as error:
                self._refuse(draft, error, out)
        return found

    def _refuse(self, draft: Draft, error: InvalidValue, out: Merged) -> None:
        place = self.place
        out.refusals.append(
            Refusal(
                place.file,
                f"{error.what}: {error.value!r}",
                error.expected,
                draft.line,
                place.key,
                draft.foreign_id,
                error.what,
            )
        )

    def _resolved(self, draft: Draft) -> Incoming:
        if draft.kind not in self.holds.kinds:
            raise InvalidValue("kind", draft.kind.value, "one of " + ", ".join(sorted(self.holds.kinds)))
        for shape in draft.geometries:
            if isinstance(shape, Span) and (
                self.place.text_length is None or shape.end > self.place.text_length
            ):
                raise InvalidValue(
                    "span",
                    f"{shape.start}..{shape.end}",
                    f"a range within the text of {self.place.text_length} code points",
                )
        label_class = None if draft.label_class is None else self.schema.class_id(draft.label_class)
        if not draft.attributes:
            return Incoming(draft, label_class)
        return Incoming(replace(draft, attributes=self.schema.attributes(draft.attributes)), label_class)

    # ---- pairing ----------------------------------------------------------------------------------------------

    def _pair(
        self, held: Mapping[bytes, tuple[Annotation, Incoming]], incoming: Sequence[Incoming]
    ) -> tuple[list[tuple[bytes, Incoming]], list[Incoming], list[bytes]]:
        left, new, pairs = dict(held), list(incoming), []
        for stage in (self._by_carried, self._by_value, self._by_foreign):
            for annotation_id, at in stage(left, new):
                pairs.append((annotation_id, new[at]))
                del left[annotation_id]
                new[at] = _TAKEN
            new = [n for n in new if n is not _TAKEN]
        if left and new:
            found, by_id = self._by_pairing(left, new)
            for p in found.pairs:
                pairs.append((p.before.id, by_id.pop(p.after.id)))
                del left[p.before.id]
            new = list(by_id.values())
        return pairs, new, list(left)

    def _by_carried(
        self, left: Mapping[bytes, tuple[Annotation, Incoming]], new: Sequence[Incoming]
    ) -> list[tuple[bytes, int]]:
        """Ids LabelHub issued that come back; given twice (a copied object), the one that says the same has
        it."""
        wanted: dict[bytes, list[int]] = defaultdict(list)
        for at, n in enumerate(new):
            if n.draft.carried_id in left and n.draft.carried_id is not None:
                wanted[n.draft.carried_id].append(at)
        found = []
        for annotation_id, places in wanted.items():
            expressed = left[annotation_id][1]
            same = [at for at in places if self._value(new[at]) == self._value(expressed)]
            found.append((annotation_id, (same or places)[0]))
        return found

    def _by_value(
        self, left: Mapping[bytes, tuple[Annotation, Incoming]], new: Sequence[Incoming]
    ) -> list[tuple[bytes, int]]:
        free: dict[Hashable, list[int]] = defaultdict(list)
        for at in reversed(range(len(new))):
            free[self._value(new[at])].append(at)
        found = []
        for annotation_id in sorted(left):
            expressed = left[annotation_id][1]
            if places := free.get(self._value(expressed)):
                found.append((annotation_id, places.pop()))
        return found

    def _by_foreign(
        self, left: Mapping[bytes, tuple[Annotation, Incoming]], new: Sequence[Incoming]
    ) -> list[tuple[bytes, int]]:
        """Ids of the file that were kept (`source.id`), believed under the rule for foreign ids only."""
        known = {
            foreign_text(a.attributes.get(FOREIGN)): i
            for i, (a, _) in left.items()
            if a.attributes.get(FOREIGN) is not None
        }
        found: dict[bytes, int] = {}
        for at, n in enumerate(new):
            annotation_id = known.get(n.draft.foreign_id) if n.draft.foreign_id is not None else None
            if annotation_id is None or annotation_id in found:
                continue
            old = self._annotation(left[annotation_id][1], annotation_id)
            if credible(
                old,
                self._annotation(n, annotation_id),
                self.schema.schema,
                self.schema.schema,
            ):
                found[annotation_id] = at
        return list(found.items())

    def _by_pairing(
        self, left: Mapping[bytes, tuple[Annotation, Incoming]], new: Sequence[Incoming]
    ) -> tuple[Pairing, dict[bytes, Incoming]]:
        by_id = {hashlib.sha256(b"incoming%d" % n).digest()[:16]: i for n, i in enumerate(new)}
        old = [self._annotation(e, a.id) for a, e in left.values()]
        rows = [self._annotation(i, annotation_id) for annotation_id, i in by_id.items()]
        return pair(old, rows, self.schema.schema), by_id

    def _annotation(self, said: Incoming, annotation_id: bytes) -> Annotation:
        attributes = self.holds.attributes.part(said.draft.attributes)
        return Annotation(annotation_id, said.draft.kind, said.label_class, said.draft.geometries, attributes)

    def _value(self, said: Incoming) -> Hashable:
        """What the format says of an annotation: equal values are the same line of the file."""
        draft, holds = said.draft, self.holds
        resolved = None if said.label_class is None else self.schema.schema.resolve(said.label_class)
        provenance = (
            draft.provenance.annotator if holds.annotator else None,
            draft.provenance.confidence if holds.confidence else None,
            draft.provenance.origin if holds.origin else None,
        )
        aliases = draft.aliases if holds.ids else ()
        return (
            draft.kind,
            resolved,
            draft.geometries,
            scalars(holds.attributes, draft.attributes),
            provenance,
            aliases,
        )

    def _expressed(self, annotation: Annotation, expressed: Draft) -> Incoming:
        return Incoming(expressed, annotation.label_class if expressed.label_class is not None else None)

    # ---- changing and adding ----------------------------------------------------------------------------------

    def _update(
        self, was: tuple[Annotation, Incoming], new: Incoming, results: dict[bytes, Annotation], out: Merged
    ) -> None:
        annotation, expressed = was
        if self._value(expressed) == self._value(new):
            out.kept += 1
            return
        try:
            results[annotation.id] = self._changed(annotation, expressed, new)
            out.changed += 1
        except InvalidValue as error:
            self._refuse(new.draft, error, out)

    def _changed(self, annotation: Annotation, base: Incoming, new: Incoming) -> Annotation:
        expressed = base.draft
        same = self.schema.schema.same_class(base.label_class, new.label_class)
        kind = annotation.kind if new.draft.kind is expressed.kind else new.draft.kind
        geometries = merged_geometries(annotation, expressed, new.draft)
        changed = replace(
            annotation,
            kind=kind,
            label_class=annotation.label_class if same else new.label_class,
            geometries=geometries,
            attributes=merged_attributes(annotation, expressed, new.draft, self.holds.attributes),
            provenance=self._provenance(annotation.provenance, expressed.provenance, new.draft.provenance),
            aliases=new.draft.aliases if self.holds.ids else annotation.aliases,
        )
        return self._smallest(annotation, changed, new)

    def _smallest(self, annotation: Annotation, changed: Annotation, new: Incoming) -> Annotation:
        """Without the geometries that the writer derives anyway (a bbox of a polygon), where the export is
        the same."""
        own = {GEOMETRY_KIND[type(g)] for g in annotation.geometries}
        for extra in [
            g
            for g in changed.geometries
            if GEOMETRY_KIND[type(g)] not in own and GEOMETRY_KIND[type(g)] is not changed.kind
        ]:
            smaller = replace(changed, geometries=tuple(g for g in changed.geometries if g != extra))
            written = self.express([self.names(smaller)])[0]
            if written is not None and written.geometries == new.draft.geometries:
                changed = smaller
        return changed

    def _provenance(self, old: Provenance, expressed: Provenance, new: Provenance) -> Provenance:
        annotator = (
            new.annotator if self.holds.annotator and new.annotator != expressed.annotator else old.annotator
        )
        confidence = (
            new.confidence
            if self.holds.confidence and new.confidence != expressed.confidence
            else old.confidence
        )
        origin = new.origin if self.holds.origin and new.origin is not expressed.origin else old.origin
        return Provenance(annotator, origin, confidence)

    def _add(
        self,
        added: Sequence[Incoming],
        old: Sequence[Annotation],
        results: dict[bytes, Annotation],
        out: Merged,
    ) -> None:
        ids = DerivedIds(self.place.key, self.place.layer, [a.id for a in old])
        taken = {a.id for a in old}
        known = taken | {n.draft.carried_id for n in added if self.holds.ids}
        for n in added:
            draft, carried = n.draft, n.draft.carried_id
            own = self.holds.ids and carried is not None and carried not in taken
            try:
                for shape in draft.geometries:
                    if isinstance(shape, Relation) and not {shape.source, shape.target} <= known:
                        raise InvalidValue(
                            "relation",
                            shape.source.hex(),
                            "the id of an annotation of the same sample and layer",
                        )
                provenance = draft.provenance if self.holds.origin else _imported(draft.provenance)
                annotation_id = (
                    carried
                    if own and carried is not None
                    else ids.next(draft.kind, n.label_class, draft.geometries)
                )
                made = Annotation(
                    annotation_id,
                    draft.kind,
                    n.label_class,
                    draft.geometries,
                    draft.attributes,
                    provenance,
                    draft.aliases,
                )
            except InvalidValue as error:
                self._refuse(draft, error, out)
                continue
            taken.add(made.id)
            results[made.id] = made
            out.added += 1


_PLAIN = Provenance(origin=Origin.IMPORT)


def _imported(said: Provenance) -> Provenance:
    if not said.annotator and said.confidence is None:
        return _PLAIN
    return Provenance(said.annotator, Origin.IMPORT, said.confidence)


_TAKEN = Incoming(Draft(Kind.CLASSIFICATION), None)
