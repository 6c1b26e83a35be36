"""The way out: samples and annotations of a commit as drafts with class names, for writers and for comparing
imports.

A class is called by its bare name where that finds it again, else by its path, so that reading a file back
resolves to the same class. Cost: O(classes) once, then constant per annotation.
"""

from __future__ import annotations

from repos.annotations.drafts import ClassInfo, ClassName, Draft, LayerDraft, MediaRef, SampleDraft
from repos.annotations.errors import AmbiguousName
from repos.annotations.model import Annotation, LayerEntry, Media, MediaState, Sample
from repos.annotations.schema import LabelClass, Schema


class ClassNames:
    """Class id -> the name files use; a merged class is called as what it reads as."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._names: dict[bytes, ClassName] = {}

    def of(self, class_id: bytes) -> ClassName:
        found = self._names.get(class_id)
        if found is None:
            found = self._names[class_id] = self._name(self.schema.resolve(class_id))
        return found

    def _name(self, class_id: bytes) -> ClassName:
        entry = self.schema.class_by_id.get(class_id)
        if entry is None:
            return ClassName(class_id.hex())
        path = self.schema.path(class_id)
        parent = path[: -len(entry.name) - 1] if entry.parent is not None else ""
        return ClassName(entry.name if self._finds(entry.name, class_id) else path, parent or None)

    def _finds(self, name: str, class_id: bytes) -> bool:
        try:
            found = self.schema.find_class(name)
        except AmbiguousName:
            return False
        return found is not None and self.schema.resolve(found.id) == class_id

    def infos(self) -> list[ClassInfo]:
        """Classes in the order of the schema, without those that read as another."""
        return [self._info(c) for c in self.schema.classes if self.schema.resolve(c.id) == c.id]

    def _info(self, entry: LabelClass) -> ClassInfo:
        return ClassInfo(self.of(entry.id), entry.keypoints, entry.skeleton)


def draft_of(annotation: Annotation, names: ClassNames) -> Draft:
    """The annotation with its class by name and its id carried along."""
    return Draft(
        annotation.kind,
        None if annotation.label_class is None else names.of(annotation.label_class),
        annotation.geometries,
        annotation.attributes,
        annotation.provenance,
        carried_id=annotation.id,
        aliases=annotation.aliases,
    )


def layer_draft_of(entry: LayerEntry, names: ClassNames) -> LayerDraft:
    return LayerDraft(tuple(draft_of(a, names) for a in entry.annotations), entry.review)


def sample_draft_of(sample: Sample) -> SampleDraft:
    """Content and fields as a writer sees them."""
    return SampleDraft(
        None if sample.media is None else media_ref_of(sample.media), sample.text, sample.fields
    )


def media_ref_of(media: Media) -> MediaRef:
    return MediaRef(
        None,
        media.uri,
        media.media_type,
        media.width,
        media.height,
        media.duration,
        media.sha256,
        media.size,
        media.orientation,
    )


def media_of(given: MediaRef, existing: Media | None) -> Media:
    """The media of a sample whose bytes are not there: what is known already stays, sizes unknown so far are
    filled in.

    A new sample is `external` when the file gives a URI, else `absent`; a digest that a file claims is not
    believed here.
    """
    if existing is None:
        state = MediaState.EXTERNAL if given.uri else MediaState.ABSENT
        return Media(
            state,
            None,
            given.media_type,
            given.bytes,
            given.width,
            given.height,
            given.duration,
            given.orientation,
            given.uri,
        )
    width, height = (
        (existing.width, existing.height)
        if existing.width and existing.height
        else (given.width, given.height)
    )
    duration = existing.duration if existing.duration is not None else given.duration
    state = existing.state
    uri = existing.uri
    if state is not MediaState.STORED and given.uri:
        state, uri = MediaState.EXTERNAL, given.uri
    return Media(
        state,
        existing.sha256,
        existing.media_type or given.media_type,
        existing.size,
        width,
        height,
        duration,
        existing.orientation,
        uri,
    )
