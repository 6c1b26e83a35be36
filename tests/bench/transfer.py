"""Import without a server: what a worker's processor does for each annotation, and the memory it needs.

`python -m tests.bench.transfer [--annotations 100000] [--once] [--profile]`: a generated COCO file is imported into an
empty branch, again unchanged, and after an edit of a hundredth. Nodes go to packs in
memory. Figures are seconds of this process's processor, so that other work on the machine does not count, and the
largest size it had so far, the generated file included.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from repos.annotations import changeset_codec, snapshot
from repos.annotations.importing import Batch, Importer, ImportPlan
from repos.annotations.snapshot import Snapshot
from repos.formats.bound import Bound
from repos.formats.options import Options
from repos.formats.registry import format_named
from repos.formats.source import PathSource
from repos.labelstore.memory import MemoryNodes
from repos.labelstore.packing import PackWriter
from repos.services.import_batches import Gathered
from tests.bench import coco

T = TypeVar("T")


class Bench:
    """One data set in a folder; `at` is the head."""

    def __init__(self, folder: Path, profile: bool) -> None:
        self.folder, self.profile = folder, profile
        self.store, self.head = MemoryNodes(), snapshot.empty()

    def measured(self, what: str, n: int, work: Callable[[], T]) -> T:
        profiler = cProfile.Profile()
        begun = time.process_time()
        if self.profile:
            profiler.enable()
        found = work()
        profiler.disable()
        took = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{what}: {took:.2f} s, {n / took:,.0f} annotations/s, peak {peak:.0f} MB", flush=True)
        if self.profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
        return found

    def file(self, name: str, table: coco.Table) -> Path:
        path = self.folder / name
        path.write_bytes(coco.coco(table))
        return path

    def imported(self, path: Path, *, columns: bool = True) -> Snapshot:
        first = not self.head.samples.entries
        nodes = PackWriter(self.store)
        gathered = Gathered(nodes, self.head, first=first)
        bound = Bound(format_named("coco"), Options())
        source = PathSource({"annotations.json": path})
        for out in Importer(gathered, bound, ImportPlan()).run(
            bound.read_rows(source) if columns else bound.read(source)
        ):
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--records", action="store_true", help="also the ordinary import, record by record")
    parser.add_argument("--once", action="store_true", help="the first import alone")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        bench, base = Bench(Path(folder), given.profile), coco.table(given.annotations)
        n, path = len(base), bench.file("base.json", base)
        if given.records:
            bench.measured("import, record by record", n, lambda: bench.imported(path, columns=False))
        bench.head = bench.measured("import", n, lambda: bench.imported(path))
        if given.once:
            return
        bench.measured("import again", n, lambda: bench.imported(path))
        edited = bench.file("edited.json", coco.edited(base)[0])
        bench.measured("import of a hundredth changed", n, lambda: bench.imported(edited))


if __name__ == "__main__":
    main()
