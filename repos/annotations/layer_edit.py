"""The part of an edit that concerns one layer: its operations as one patch block.

Invariant: the patch says the same as the operations carried out in order. Bulk entries stay columns; single operations
become rows here. Cost: O(operations).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from repos.annotations.blocks import LayerBlock, concat, splice
from repos.annotations.edits import EntryPatch, LayerEdit, SampleState, SnapshotEdit
from repos.annotations.errors import InvalidValue
from repos.annotations.formats import LAYER
from repos.annotations.keys import RULES as KEY_RULES
from repos.annotations.keys import key_problem, layer_problem
from repos.annotations.model import Annotation, Kind, LayerEntry
from repos.annotations.patch import (
    GONE,
    REPLACE,
    SET_REVIEW,
    PatchFormat,
    patched,
    replacing,
)
from repos.annotations.rest import rest_of
from repos.annotations.rows import block_from_entries
from repos.annotations.schema import Schema
from repos.annotations.subtrees import detached, unfolded
from repos.annotations.validate import EntryChecks, TextLengths, Violation
from repos.labelstore import tree
from repos.labelstore.ports import NodeStore
from repos.labelstore.root import TreeRoot, empty_root

LayerChange = tuple[LayerBlock, LayerBlock]


class LayerWork:
    """One layer of one edit."""

    def __init__(
        self,
        nodes: NodeStore,
        name: str,
        root: TreeRoot | None,
        edit: SnapshotEdit,
        again: set[str],
        target: int,
    ) -> None:
        """`again`: samples whose text changed, so that their entries are checked though nothing else touches them."""
        self.nodes, self.name = nodes, name
        self.root = root or empty_root(target)
        self.work = edit.layers.get(name) or LayerEdit()
        self.entries = dict(self.work.entries)
        self.violations: list[Violation] = []
        self._follow_samples(edit.samples, again)

    def _follow_samples(self, samples: Mapping[str, SampleState], again: set[str]) -> None:
        """Entries of samples that were deleted, renamed or got another text."""
        if self.work.cleared or not self.root.entries:
            return
        for key, state in samples.items():
            if key in self.entries:
                continue
            if state.source != key and not any(b.find(key.encode()) is not None for _, b in self.work.bulk):
                self.entries[key] = EntryPatch(state.source, set_review=state.source is None)
            elif key in again:
                self.entries[key] = EntryPatch(key)

    # ---- the patch ------------------------------------------------------------------------------------------

    def patch(self) -> LayerBlock:
        """All operations on this layer as one block of entries to patch."""
        if (problem := layer_problem(self.name)) is not None:
            self._report(self.work.operation, None, "layer", problem, "a layer name of at most 128 bytes")
            return LayerBlock.empty()
        for key in [k for k in self.entries if key_problem(k) is not None]:
            self._report(self.entries.pop(key).operation, key, "key", key_problem(key) or "", KEY_RULES)
        single = self._single()
        bulk = self._bulk()
        both = splice(bulk, single, ()) if len(bulk) else single
        return detached(both, self.nodes)

    def _bulk(self) -> LayerBlock:
        runs: list[LayerBlock] = []
        for _, given in self.work.bulk:
            if not len(given):
                continue
            whole = REPLACE not in given.entry_columns  # a patch already says what it replaces
            block = replacing(unfolded(given, self.nodes)) if whole else given
            if runs and block.keys[0] <= runs[-1].keys[-1]:
                runs = [splice(concat(runs), block, ())]
            else:
                runs.append(block)
        return concat(runs)

    def _single(self) -> LayerBlock:
        staying = {k: p for k, p in self.entries.items() if p.source in (None, k) or self.work.cleared}
        moved = {k: p for k, p in self.entries.items() if k not in staying}
        patch = self._block(staying)
        return splice(patch, self._moved(moved), ()) if moved else patch

    def _block(self, patches: Mapping[str, EntryPatch]) -> LayerBlock:
        if not patches:
            return LayerBlock.empty()
        block = block_from_entries((key, self._entry(key, patch)) for key, patch in patches.items())
        ordered = [patches[key.decode()] for key in block.keys]
        gone = [p.rows[i][0] is None for p in ordered for i in sorted(p.rows)]
        columns = dict(block.columns)
        if any(gone):
            columns[GONE] = np.array(gone, bool)
        entry_columns = dict(block.entry_columns)
        replace = [p.source is None or self.work.cleared for p in ordered]
        entry_columns[REPLACE] = np.array(replace, bool)
        entry_columns[SET_REVIEW] = np.array([p.set_review for p in ordered], bool)
        return LayerBlock(block.keys, block.bounds, entry_columns, columns, block.dictionaries)

    def _entry(self, key: str, patch: EntryPatch) -> LayerEntry:
        """Rows to put, and stand-ins for rows to remove; what cannot be written is reported and stands in too."""
        rows = []
        for annotation_id, (annotation, number) in patch.rows.items():
            if annotation is not None and not self._writable(key, annotation, number):
                annotation = None
            rows.append(annotation or Annotation(annotation_id, Kind.CLASSIFICATION))
        return LayerEntry(tuple(rows), patch.review if patch.set_review else None)

    def _writable(self, key: str, annotation: Annotation, number: int) -> bool:
        try:
            rest_of(annotation)
            for text in (
                *annotation.attributes,
                *annotation.attributes.values(),
                annotation.provenance.annotator,
            ):
                if isinstance(text, str):
                    text.encode()
        except (InvalidValue, UnicodeEncodeError):
            self._report(number, key, "text", "holds a lone surrogate", "UTF-8 text", annotation.id)
            return False
        return True

    def _moved(self, patches: Mapping[str, EntryPatch]) -> LayerBlock:
        """Entries that start from the old entry of another key, whole."""
        sources = sorted({p.source.encode() for p in patches.values() if p.source is not None})
        old = unfolded(tree.get(self.nodes, LAYER, self.root, sources), self.nodes)
        start: list[tuple[bytes, LayerBlock]] = []
        for key, patch in patches.items():
            at = old.find((patch.source or "").encode())
            if at is not None:
                start.append((key.encode(), old.take(at, at + 1)))
        start.sort(key=lambda pair: pair[0])
        block = self._block(patches)
        made = patched(_renamed(start), block)
        missing = [key for key in block.keys if made.find(key) is None]
        nothing = {key.decode(): EntryPatch(None, set_review=True) for key in missing}
        return splice(replacing(made), self._block(nothing), ())

    # ---- carrying out -----------------------------------------------------------------------------------------

    def run(self, schema: Schema, texts: TextLengths) -> tuple[TreeRoot, LayerChange]:
        """The new tree and what changed; violations gather in `violations`."""
        patch = self.patch()
        checks = EntryChecks(self.name, schema, texts, self._blame)
        fmt = PatchFormat(self.nodes, checks)
        root = self.root
        if self.work.cleared and root.entries:
            left = [key for key in self._all_keys() if patch.find(key) is None]
            root = tree.edit(self.nodes, fmt, root, patch, left)
        elif root.entries:
            root = tree.edit(self.nodes, fmt, root, patch, ())
        else:
            made = fmt.splice(LayerBlock.empty(), patch, ())
            root = tree.build(self.nodes, LAYER, [made] if len(made) else [], root.target)
        self.violations += checks.violations
        return root, fmt.changes

    def _all_keys(self) -> list[bytes]:
        return [key for block in tree.scan(self.nodes, LAYER, self.root) for key in block.keys]

    def _blame(self, key: bytes, annotation_id: bytes | None) -> int | None:
        patch = self.entries.get(key.decode())
        if patch is not None:
            row = patch.rows.get(annotation_id) if annotation_id is not None else None
            return patch.operation if row is None else row[1]
        return next((n for n, b in reversed(self.work.bulk) if b.find(key) is not None), None)

    def _report(
        self, number: int, key: str | None, field: str, reason: str, expected: str, id: bytes | None = None
    ) -> None:
        self.violations.append(Violation(number, key, self.name, id, field, reason, expected))


def _renamed(entries: list[tuple[bytes, LayerBlock]]) -> LayerBlock:
    """Single entries under new keys, ascending."""
    made = [
        LayerBlock([key], block.bounds, block.entry_columns, block.columns, block.dictionaries)
        for key, block in entries
    ]
    return concat(made)
