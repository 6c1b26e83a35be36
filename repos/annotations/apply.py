"""apply_edit: one edit of a snapshot gives the next snapshot, the row-level change set, or what is wrong with it.

Invariant: the result depends on the content after the edit alone, never on the order or number of edits that led
there; with a violation nothing is written and the base is handed back. Cost: O(k log n) nodes for k operations, each
touched leaf read, decoded and written once (patch.py); memory is the edit and the new nodes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from repos.annotations.changeset import ChangeSet
from repos.annotations.edits import SnapshotEdit
from repos.annotations.formats import FILES, LAYER, ODD, SAMPLES
from repos.annotations.layer_edit import LayerChange, LayerWork
from repos.annotations.overlay import Overlay
from repos.annotations.records import RecordBlock
from repos.annotations.sample_edit import Outcome, check_keys, edit_files, edit_samples
from repos.annotations.samples import attach_texts, has_text, sample_from
from repos.annotations.schema import Schema
from repos.annotations.schema_codec import encode_schema
from repos.annotations.schema_rules import problems
from repos.annotations.snapshot import LAYER_TARGET, Snapshot, empty
from repos.annotations.validate import Violation
from repos.labelstore import tree
from repos.labelstore.ports import NodeStore
from repos.labelstore.root import TreeRoot


@dataclass(frozen=True)
class Applied:
    """The snapshot after the edit and what changed; or, with `violations`, the base and nothing."""

    snapshot: Snapshot
    changes: ChangeSet
    violations: list[Violation]


def apply_edit(
    nodes: NodeStore, base: Snapshot | None, edit: SnapshotEdit, *, layer_target: int = LAYER_TARGET
) -> Applied:
    """Carry out an edit. `layer_target`: samples per leaf of layers that do not exist yet.

    New nodes go to `nodes`; the snapshot's own record is stored by snapshot.save.
    """
    start = base or empty()
    overlay = Overlay(nodes)
    schema, violations = _schema(start, edit)
    samples = edit_samples(overlay, start, edit, schema)
    files = edit_files(overlay, start, edit)
    odd = check_keys(overlay, start, samples, files)
    violations += samples.violations + files.violations
    if violations:
        return _refused(start, violations)
    samples_root = samples.tree(overlay, SAMPLES, start.samples)
    files_root = files.tree(overlay, FILES, start.files)
    odd_root = _edit_odd(overlay, start.odd, odd)
    texts = _Texts(overlay, samples_root, samples.after)
    layers, changes = dict(start.layers), dict[str, LayerChange]()
    for name in sorted({*start.layers, *edit.layers}):
        work = LayerWork(overlay, name, start.layers.get(name), edit, _texts_changed(samples), layer_target)
        root, change = work.run(schema, texts)
        violations += work.violations
        layers.pop(name, None)
        if root.entries:
            layers[name] = root
        if len(change[0]):
            changes[name] = change
    violations += _removed_classes(overlay, start.schema, schema, layers, edit)
    if violations:
        return _refused(start, violations)
    overlay.put(encode_schema(schema))
    overlay.flush()
    after = Snapshot(schema, samples_root, MappingProxyType(layers), files_root, odd_root)
    whole = {name: layers[name] for name in changes if name in layers and name not in start.layers}
    return Applied(
        after,
        ChangeSet((start.schema, schema), changes, samples.changes(SAMPLES), files.changes(FILES), whole),
        [],
    )


def _refused(base: Snapshot, violations: list[Violation]) -> Applied:
    return Applied(base, ChangeSet((base.schema, base.schema)), violations)


def _schema(base: Snapshot, edit: SnapshotEdit) -> tuple[Schema, list[Violation]]:
    if edit.schema is None:
        return base.schema, []
    schema, number = edit.schema
    found = [
        Violation(
            number, None, None, None, f"schema.{p.sort}.{p.field}", f"{p.name!r} {p.reason}", "a valid schema"
        )
        for p in problems(schema)
    ]
    return schema, found


def _edit_odd(nodes: NodeStore, root: TreeRoot, edit: Mapping[bytes, bytes | None]) -> TreeRoot:
    put = RecordBlock.from_mapping({form: key for form, key in edit.items() if key is not None})
    return tree.edit(nodes, ODD, root, put, [form for form, key in edit.items() if key is None])


def _texts_changed(samples: Outcome) -> set[str]:
    """Samples that stay and whose content was or is text, and is another."""
    found = set()
    for key, record in samples.after.items():
        before = samples.before.get(key)
        if before is not None and before != record and (has_text(before) or has_text(record)):
            found.add(key.decode())
    return found


class _Texts:
    """Lengths of the texts of samples after the edit; `after` are the records that the edit named."""

    def __init__(self, nodes: NodeStore, root: TreeRoot, after: Mapping[bytes, bytes]) -> None:
        self._nodes, self._root, self._after = nodes, root, after

    def __call__(self, keys: Sequence[bytes]) -> Mapping[bytes, int | None]:
        records = {key: self._after[key] for key in keys if key in self._after}
        others = [key for key in keys if key not in records]
        records.update(tree.get(self._nodes, SAMPLES, self._root, others).items() if others else ())
        texts = [key for key, record in records.items() if has_text(record)]
        found: dict[bytes, int | None] = dict.fromkeys(records)
        loaded = attach_texts([records[key] for key in texts], self._nodes)
        found.update(
            (key, len(sample_from(record).text or "")) for key, record in zip(texts, loaded, strict=True)
        )
        return found


def _removed_classes(
    nodes: NodeStore, before: Schema, after: Schema, layers: Mapping[str, TreeRoot], edit: SnapshotEdit
) -> list[Violation]:
    """A class may leave the schema only when no annotation has it; looked for only when one does leave."""
    gone = set(before.class_by_id).difference(after.class_by_id)
    if not gone:
        return []
    found: list[Violation] = []
    number = edit.schema[1] if edit.schema else None
    for name, root in layers.items():
        used: dict[bytes, int] = {}
        for block in tree.scan(nodes, LAYER, root):
            counts = np.bincount(block.column("label_class"), minlength=len(block.dictionary("label_class")))
            for entry, count in zip(block.dictionary("label_class"), counts.tolist(), strict=True):
                if count and entry in gone:
                    used[entry] = used.get(entry, 0) + count
        for class_id, count in used.items():
            reason = f"{before.path(class_id)!r} left the schema and {count} annotations have it"
            found.append(
                Violation(
                    number,
                    None,
                    name,
                    None,
                    "schema.class.id",
                    reason,
                    "a class merged or deprecated instead",
                )
            )
    return found
