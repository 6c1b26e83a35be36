"""Imports and exports without a server: what a worker's processor does for each annotation, and the memory it needs.

`python -m tests.bench.transfer [--annotations 100000] [--records] [--only coco] [--profile]`: the generated set of
coco.py is imported from each format into an empty branch, again unchanged, COCO also after an edit of a hundredth, and
written out again. Nodes go to packs in memory. Figures are annotations per second of the processor of the process,
one for each format, so that other work on the machine does not count, and the largest size it had so far, which holds
the packs and the bytes of the archive or file.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from repos.annotations import changeset_codec, snapshot
from repos.annotations.draft_of import ClassNames
from repos.annotations.importing import Batch, Importer, ImportPlan
from repos.annotations.snapshot import Snapshot, SnapshotView
from repos.formats.archive_zip import ZipSource
from repos.formats.base import DirectorySink, Sink, ZipSink
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.registry import format_named
from repos.formats.source import PathSource, Source
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.packing import PackWriter
from repos.services.export_rows import stored_records, stored_runs
from repos.services.import_batches import Gathered
from tests.bench import coco, label_files

T = TypeVar("T")
LAYER = "gold"
SIZE = (label_files.WIDTH, label_files.HEIGHT)


@dataclass(frozen=True)
class Kind:
    """A row of the table: what is generated, and how it is read."""

    format: str
    bytes_of: Callable[[coco.Table], bytes]
    file: str
    options: Options

    def source(self, path: Path) -> Source:
        return ZipSource(path.open("rb")) if self.file.endswith(".zip") else PathSource({self.file: path})


def _yolo_polygons(of: coco.Table) -> bytes:
    return label_files.yolo(of, shapes=True)


SIZED = Options(known_size=lambda _: SIZE)
KINDS = {
    "coco": Kind("coco", coco.coco, "annotations.json", Options()),
    "coco polygons": Kind("coco", label_files.coco_polygons, "annotations.json", Options()),
    "yolo": Kind("yolo", label_files.yolo, "labels.zip", SIZED),
    "yolo polygons": Kind(
        "yolo", _yolo_polygons, "labels.zip", Options(known_size=lambda _: SIZE, polygons=True)
    ),
    "labelhub": Kind("labelhub", label_files.labelhub, "samples.jsonl", Options()),
}


class Bench:
    """One data set in a folder; `head` is the head."""

    def __init__(self, name: str, folder: Path, profile: bool) -> None:
        self.name, self.kind, self.folder, self.profile = name, KINDS[name], folder, profile
        self.store, self.head = MemoryNodes(), snapshot.empty()
        self.bound = Bound(format_named(self.kind.format), self.kind.options)

    def measured(self, what: str, n: int, work: Callable[[], T]) -> T:
        profiler = cProfile.Profile()
        begun = time.process_time()
        if self.profile:
            profiler.enable()
        found = work()
        profiler.disable()
        took = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"| {self.name} | {what} | {took:.2f} | {n / took:,.0f} | {peak:.0f} |", flush=True)
        if self.profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
        return found

    def file(self, name: str, table: coco.Table) -> Path:
        path = self.folder / name
        path.write_bytes(self.kind.bytes_of(table))
        return path

    def imported(self, path: Path, *, columns: bool = True) -> Snapshot:
        first = not self.head.samples.entries
        nodes = PackWriter(self.store)
        gathered = Gathered(nodes, self.head, first=first)
        source = self.kind.source(path)
        items = self.bound.read_rows(source) if columns else self.bound.read(source)
        for out in Importer(gathered, self.bound, ImportPlan()).run(items):
            if not isinstance(out, Batch):
                raise RuntimeError(str(out))
            gathered.put(out)
        changes = gathered.changes()
        snapshot.save(nodes, gathered.snapshot)
        if not first:
            changeset_codec.save(nodes, changes)
        addresses = nodes.addresses()
        for at in range(0, len(addresses), 1000):
            self.store.put_many(list(nodes.get_many(addresses[at : at + 1000]).values()))
        return gathered.snapshot

    def exported(self) -> None:
        view = SnapshotView(self.store, self.head)
        names = ClassNames(view.schema)
        with (self.folder / "out").open("wb") as stream:
            many = self.kind.format == "yolo"
            sink: Sink = ZipSink(stream) if many else DirectorySink(self.folder / "written")
            if self.kind.format == "labelhub":
                records = stored_records(view, self.bound, names, view.layer_names, None)
                report = self.bound.write(records, names.infos(), sink)
            else:
                runs = stored_runs(view, self.bound, names, LAYER)
                report = self.bound.write_runs(runs, names.infos(), sink)
        if report.left_out_total or report.count.annotations_taken != view.annotation_count(LAYER):
            raise RuntimeError(f"left out: {report.left_out[:3]}")


def bench(name: str, given: argparse.Namespace) -> None:
    with TemporaryDirectory() as folder:
        run, base = Bench(name, Path(folder), given.profile), coco.table(given.annotations)
        n, path = len(base), run.file("base", base)
        if given.records:
            run.measured("import, record by record", n, lambda: run.imported(path, columns=False))
        run.head = run.measured("import", n, lambda: run.imported(path))
        if not given.once:
            run.measured("import again", n, lambda: run.imported(path))
            if name == "coco":
                edited = run.file("edited", coco.edited(base)[0])
                run.measured("import of a hundredth changed", n, lambda: run.imported(edited))
                other = run.file("other", coco.edited(base, 1.0, seed=3)[0])
                run.measured("import of all changed", n, lambda: run.imported(other))
                if given.records:
                    work = partial(run.imported, other, columns=False)
                    run.measured("import of all changed, record by record", n, work)
            run.measured("export", n, run.exported)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--records", action="store_true", help="also the ordinary import, record by record")
    parser.add_argument("--once", action="store_true", help="the first import alone")
    parser.add_argument("--only", choices=list(KINDS))
    given = parser.parse_args()
    if given.only:
        bench(given.only, given)
        return
    print(
        "| format | what | s of the processor | annotations / s | peak MB |\n|---|---|---|---|---|",
        flush=True,
    )
    for name in KINDS:
        subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:], "--only", name], check=True)


if __name__ == "__main__":
    main()
