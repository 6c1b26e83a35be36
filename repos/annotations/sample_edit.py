"""The part of an edit that concerns samples and files: records, their rules, and the rules between keys.

Cost: point reads of the keys named; new keys add one point read per folder above them and two rank look-ups (or one
scan of all keys, whichever is less).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from repos.annotations.codec import attributes_from
from repos.annotations.edits import SnapshotEdit
from repos.annotations.errors import InvalidValue
from repos.annotations.formats import FILES, ODD, SAMPLES
from repos.annotations.keys import RULES as KEY_RULES
from repos.annotations.keys import all_folders, folded, is_odd, key_problem
from repos.annotations.model import Sample
from repos.annotations.records import RecordBlock, RecordFormat
from repos.annotations.samples import FileRecord, detach_text, fields_offset, file_bytes, sample_bytes
from repos.annotations.schema import Schema
from repos.annotations.snapshot import Snapshot
from repos.annotations.validate import Violation, sample_problems
from repos.labelstore import tree
from repos.labelstore.digest import address_of
from repos.labelstore.ports import NodeStore
from repos.labelstore.root import TreeRoot

Records = dict[bytes, bytes]
SCAN_COST = 200
"""A rank look-up costs about as much as scanning so many keys."""


@dataclass
class Outcome:
    """Records before and after of every key named, operations to blame, and what was wrong."""

    before: Records = field(default_factory=dict)
    after: Records = field(default_factory=dict)
    blame: dict[bytes, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)

    def report(
        self, key: bytes | str, field_name: str, reason: str, expected: str, number: int | None = None
    ) -> None:
        text = key if isinstance(key, str) else key.decode(errors="replace")
        raw = text.encode(errors="replace")
        number = self.blame.get(raw) if number is None else number
        self.violations.append(Violation(number, text, None, None, field_name, reason, expected))

    @cached_property
    def new_keys(self) -> list[bytes]:
        return sorted(set(self.after).difference(self.before))

    @cached_property
    def gone_keys(self) -> list[bytes]:
        return sorted(set(self.before).difference(self.after))

    def tree(self, nodes: NodeStore, fmt: RecordFormat, root: TreeRoot) -> TreeRoot:
        """The tree with the records after."""
        put = {k: r for k, r in self.after.items() if self.before.get(k) != r}
        return tree.edit(nodes, fmt, root, RecordBlock.from_mapping(put), self.gone_keys)

    def changes(self, fmt: RecordFormat) -> tuple[RecordBlock, RecordBlock]:
        return fmt.changed(RecordBlock.from_mapping(self.before), RecordBlock.from_mapping(self.after))


def edit_samples(nodes: NodeStore, base: Snapshot, edit: SnapshotEdit, schema: Schema) -> Outcome:
    """Records of all samples that the edit names."""
    out = Outcome()
    stored = _stored(nodes, base, edit)
    _check_expected(edit, stored, out)
    out.after = dict(stored)
    for number, block in edit.sample_bulk:
        for key, record in block.items():
            out.after[key] = detach_text(record, nodes)
            out.blame[key] = number
    for name, state in edit.samples.items():
        if (problem := key_problem(name)) is not None:
            if state.exists is not False:
                out.report(name, "key", problem, KEY_RULES, state.operation)
            continue
        raw = name.encode()
        out.blame[raw] = state.operation
        made = _record(nodes, state.sample, out, name) if state.sample is not None else None
        if state.exists is None and state.source is not None:
            made = stored.get(state.source.encode())
        out.after.pop(raw, None)
        if made is not None:
            out.after[raw] = made
    out.before = dict(stored)
    _check_fields(schema, out)
    return out


def _stored(nodes: NodeStore, base: Snapshot, edit: SnapshotEdit) -> Records:
    """Those of the records that the edit speaks of which are there before it."""
    if not base.samples.entries:
        return {}
    named = {key.encode(errors="replace") for key in edit.samples}
    named |= {
        s.source.encode() for s in edit.samples.values() if s.source is not None and not key_problem(s.source)
    }
    named |= {e.base_key.encode(errors="replace") for e in edit.expected}
    for _, block in edit.sample_bulk:
        named.update(block.keys)
    wanted = sorted(key for key in named if 0 < len(key) <= 1024)
    return dict(tree.get(nodes, SAMPLES, base.samples, wanted).items())


def _record(nodes: NodeStore, sample: Sample, out: Outcome, key: str) -> bytes | None:
    try:
        return detach_text(sample_bytes(sample), nodes)
    except InvalidValue as broken:
        out.report(key, broken.what, repr(broken.value), broken.expected)
        return None


def _check_expected(edit: SnapshotEdit, stored: Records, out: Outcome) -> None:
    bulk = [(number, block) for number, block in edit.sample_bulk]
    for expected in edit.expected:
        raw = expected.base_key.encode(errors="replace")
        known = expected.known
        if known is None:
            known = raw in stored or any(n < expected.operation and b.get(raw) is not None for n, b in bulk)
        if known is expected.there:
            continue
        if expected.there:
            out.report(
                expected.key, "key", "no sample has this key", "the key of a sample", expected.operation
            )
        else:
            out.report(expected.key, "key", "a sample has this key", "a key that is free", expected.operation)


def _check_fields(schema: Schema, out: Outcome) -> None:
    """Fields of the records that differ; equal field bytes are looked at once."""
    seen: dict[bytes, list[tuple[str, str, str]]] = {}
    for key, record in out.after.items():
        if out.before.get(key) == record:
            continue
        if key not in out.before and (problem := key_problem(key.decode())) is not None:
            out.report(key, "key", problem, KEY_RULES)
        raw = record[fields_offset(record) :]
        if raw not in seen:
            seen[raw] = list(sample_problems(schema, attributes_from(raw)))
        for field_name, reason, expected in seen[raw]:
            out.report(key, field_name, reason, expected)


def edit_files(nodes: NodeStore, base: Snapshot, edit: SnapshotEdit) -> Outcome:
    """Records of all files that the edit names; bytes given become objects."""
    out = Outcome()
    good = {p: v for p, v in edit.files.items() if not key_problem(p)}
    for path in edit.files.keys() - good.keys():
        out.report(path, "path", key_problem(path) or "", KEY_RULES, edit.files[path][1])
    out.before = dict(tree.get(nodes, FILES, base.files, sorted(p.encode() for p in good)).items())
    out.after = dict(out.before)
    for path, (content, number) in good.items():
        raw = path.encode()
        out.blame[raw] = number
        if content is None:
            if out.after.pop(raw, None) is None:
                out.report(path, "path", "no file has this path", "the path of a file")
            continue
        if isinstance(content, bytes):
            nodes.put(content)
            content = FileRecord(address_of(content), len(content))
        out.after[raw] = file_bytes(content)
    return out


# ---- rules between keys -----------------------------------------------------------------------------------------


def check_keys(
    nodes: NodeStore, base: Snapshot, samples: Outcome, files: Outcome
) -> dict[bytes, bytes | None]:
    """Twins, folders and paths given twice among the new keys and all that stay; gives the edit of the odd index."""
    new = {**dict.fromkeys(samples.new_keys, samples), **dict.fromkeys(files.new_keys, files)}
    gone = {*samples.gone_keys, *files.gone_keys}
    for key in set(files.after).intersection(samples.after):
        if key in new:
            new[key].report(key, "key", f"{_show(key)} is both a sample and a file", "different names")
    forms = {key: folded(key) for key in new}
    if new:
        for fmt, root, other in ((SAMPLES, base.samples, files), (FILES, base.files, samples)):
            _check_other(nodes, fmt, root, other, new, gone)
        _check_twins(nodes, base, new, forms, gone)
        _check_folders(nodes, base, new, gone)
    edit: dict[bytes, bytes | None] = {folded(key): None for key in gone if is_odd(key)}
    edit.update({form: key for key, form in forms.items() if form != key})
    return edit


def _show(key: bytes) -> str:
    return repr(key.decode())


def _check_other(
    nodes: NodeStore,
    fmt: RecordFormat,
    root: TreeRoot,
    mine: Outcome,
    new: Mapping[bytes, Outcome],
    gone: set[bytes],
) -> None:
    """New samples against files that stay, and the reverse."""
    keys = [key for key in mine.new_keys if key in new]
    for key in tree.get(nodes, fmt, root, keys).keys if keys else ():
        if key not in gone:
            mine.report(key, "key", f"{_show(key)} is both a sample and a file", "different names")


def _check_twins(
    nodes: NodeStore,
    base: Snapshot,
    new: Mapping[bytes, Outcome],
    forms: Mapping[bytes, bytes],
    gone: set[bytes],
) -> None:
    """New keys that are the same as another one that is new or stays, by their folded `forms`."""
    odd = (
        dict(tree.get(nodes, ODD, base.odd, sorted(set(forms.values()))).items()) if base.odd.entries else {}
    )
    plain: set[bytes] = set()
    asked = sorted({form for key, form in forms.items() if form != key})
    for fmt, root in ((SAMPLES, base.samples), (FILES, base.files)):
        plain.update(tree.get(nodes, fmt, root, asked).keys if asked else ())
    seen: dict[bytes, bytes] = {}
    for key in sorted(new):
        form = forms[key]
        twin = seen.setdefault(form, key)
        if twin == key:
            other = odd.get(form, form if form in plain else None)
            twin = other if other is not None and other not in gone else key
        if twin != key:
            reason = f"{_show(key)} and {_show(twin)} are the same name in other letters"
            new[key].report(key, "key", reason, "names that differ under NFC and casefold")


def _check_folders(nodes: NodeStore, base: Snapshot, new: Mapping[bytes, Outcome], gone: set[bytes]) -> None:
    folders = all_folders(new)
    for fmt, root in ((SAMPLES, base.samples), (FILES, base.files)):
        stored = tree.get(nodes, fmt, root, sorted(folders)).keys if folders and root.entries else ()
        for key in stored:
            if key not in gone and key not in new:
                new[folders[key]].report(folders[key], "key", *_folder_clash(key, folders[key]))
    stored_keys = base.samples.entries + base.files.entries
    everything = all_folders(_all_keys(nodes, base, gone)) if len(new) * SCAN_COST > stored_keys else None
    for key in sorted(new):
        inside = folders.get(key)
        if inside is None:
            inside = _inside(nodes, base, key, gone) if everything is None else everything.get(key)
        if inside is not None:
            new[key].report(key, "key", *_folder_clash(key, inside))


def _folder_clash(key: bytes, inside: bytes) -> tuple[str, str]:
    return f"{_show(key)} would be a folder of {_show(inside)}", "a name that is no folder of another"


def _all_keys(nodes: NodeStore, base: Snapshot, gone: set[bytes]) -> Iterator[bytes]:
    for fmt, root in ((SAMPLES, base.samples), (FILES, base.files)):
        for block in tree.scan(nodes, fmt, root):
            yield from (key for key in block.keys if key not in gone)


def _inside(nodes: NodeStore, base: Snapshot, key: bytes, gone: set[bytes]) -> bytes | None:
    """A stored key that lies under `key/` and stays."""
    for fmt, root in ((SAMPLES, base.samples), (FILES, base.files)):
        if root.entries and tree.rank(nodes, fmt, root, key + b"/") != tree.rank(
            nodes, fmt, root, key + b"0"
        ):
            for block in tree.scan(nodes, fmt, root, prefix=key + b"/"):
                for found in block.keys:
                    if found not in gone:
                        return found
    return None
