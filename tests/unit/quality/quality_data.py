"""Where the real data lies, and the crowd-sourced votes of it as columns."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import yaml

from repos.annotations.schema import stable_id
from repos.quality.votes import Votes

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("LABELHUB_SHARED_DATA", ROOT.parent / "shared" / "data"))


def folder(name: str) -> Path:
    """A folder of the shared data; the test is skipped where the data is absent."""
    found = SHARED / name
    if not found.is_dir():
        pytest.skip(f"real data absent: {name} is not in {SHARED} (LABELHUB_SHARED_DATA names the folder)")
    return found


def class_id(name: object) -> bytes:
    return stable_id("class", str(name))


def temp() -> tuple[Votes, dict[str, bytes]]:
    """crowd-temp: 462 items x 10 answers, and the right answer per item."""
    with (folder("crowd-temp") / "annotations.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    votes = Votes.of(((r["item"], ""), r["annotator"], class_id(r["label"])) for r in rows)
    return votes, {r["item"]: class_id(r["gold"]) for r in rows}


def bluebirds() -> tuple[Votes, dict[str, bytes]]:
    """crowd-bluebirds: 108 pictures, each answered by 39 annotators, and the truth."""
    here = folder("crowd-bluebirds")
    given = yaml.safe_load((here / "labels.yaml").read_text(encoding="utf-8"))
    truth = yaml.safe_load((here / "gt.yaml").read_text(encoding="utf-8"))
    votes = Votes.of(
        ((str(item), ""), str(rater), class_id(said))
        for rater, items in given.items()
        for item, said in items.items()
    )
    return votes, {str(item): class_id(said) for item, said in truth.items()}
