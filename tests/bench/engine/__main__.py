"""Measure, then write what was measured: `python -m tests.bench.engine --help`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench.engine import report
from tests.bench.engine.run import HOME, MODULES, ROOT, Run, missing

SIZES = {"100k": 100_000, "1m": 1_000_000, "5m": 5_000_000}
SHAPES = ("polygons", "spans", "floats", "classes")
SHAPE_ROWS = 100_000
SHAPE_PEERS = ("labelhub", "doltlite")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.engine", description=__doc__)
    parser.add_argument("--sizes", default="100k,1m", help="of 100k, 1m, 5m")
    parser.add_argument(
        "--shapes", default=",".join(SHAPES), help="further data sets of 100,000 rows; empty for none"
    )
    parser.add_argument("--peers", default=",".join(MODULES))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument(
        "--save", type=Path, help="write the tables and charts into this file, e.g. docs/benchmarks.md"
    )
    return parser.parse_args()


def main() -> None:
    given = parsed()
    HOME.mkdir(exist_ok=True)
    results = HOME / "engine.jsonl"
    if given.fresh:
        results.unlink(missing_ok=True)
    asked = [peer for peer in given.peers.split(",") if peer]
    absent = missing(asked)
    for peer, why in absent.items():
        print(f"{peer}: left out, {why}")
    there = [peer for peer in asked if peer not in absent]
    with (HOME / "engine.log").open("w") as log:
        for size in filter(None, given.sizes.split(",")):
            Run(there, given.repeat, results, log).data_set("coco", SIZES[size])
        few = [peer for peer in there if peer in SHAPE_PEERS]
        for shape in filter(None, given.shapes.split(",")):
            Run(few, given.repeat, results, log).data_set(shape, SHAPE_ROWS)
    text = report.text(results, absent)
    print("\n" + text)
    if given.save:
        report.save(ROOT / given.save, text, results)


if __name__ == "__main__":
    main()
