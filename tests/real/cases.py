"""What each data set must show: the figures of the data's README against what the platform answered.

The README matches labels by value: same class and numbers, then class only, then by IoU within a picture; what is
left is removed and added. The platform pairs more (a span that moved is `respanned`, a redrawn polygon `reshaped`):
where a README counts such a pair as one removed and one added, `as_replaced` counts it so here too.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.real.api import tree
from tests.real.replay import Replay, Seen


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of one case, expected and seen."""

    case: str
    figure: str
    expected: object
    seen: object

    @property
    def equal(self) -> bool:
        if isinstance(self.expected, float) and isinstance(self.seen, float):
            return abs(self.expected - self.seen) < 5e-7
        return self.expected == self.seen


Case = Callable[[Replay, Path], Iterator[Row]]


def rows(case: str, figures: dict[str, tuple[object, object]]) -> Iterator[Row]:
    for figure, (expected, seen) in figures.items():
        yield Row(case, figure, expected, seen)


# pair: boxes in the files, samples changed, same, class only, geometry only, removed, added, refused per side
FSOCO: dict[str, tuple[tuple[int, int], int, int, int, int, int, int, tuple[int, int]]] = {
    "pr51-remove-wrong-box": ((13431, 13432), 1, 13431, 0, 0, 0, 1, (1, 0)),
    "fix-class-of-image-318": ((13432, 13432), 1, 13431, 1, 0, 0, 0, (0, 0)),
    "pr50-repair-blank-label": ((1454, 1455), 1, 1454, 0, 0, 0, 1, (0, 0)),
    "pr44-voc-wrong-class": ((3052, 3052), 1, 3051, 1, 0, 0, 0, (0, 0)),
    "fixed-msc-labels": ((2205, 2814), 240, 1624, 0, 578, 2, 611, (1, 1)),
}


def fsoco(pair: str) -> Case:
    def run(replay: Replay, data: Path) -> Iterator[Row]:
        boxes, changed, same, class_only, geometry_only, removed, added, refused = FSOCO[pair]
        folder = data / "fsoco" / pair
        seen = replay.run(pair, tree(folder / "before"), tree(folder / "after"))
        malformed = sum(1 for r in seen.refusals if "9" in str(r["reason"]) or r["line"] == 30)
        readable = (seen.total[0] - 1, seen.total[1]) if pair.startswith("pr51") else seen.total
        yield from rows(
            f"fsoco/{pair}",
            {
                "boxes in the files (taken + refused; the malformed line apart)": (boxes, readable),
                "refused": (refused, seen.refused),
                "samples changed": (changed, seen.samples_changed),
                "same": (same, seen.same),
                "class only": (class_only, seen.class_only),
                "geometry only": (geometry_only, seen.geometry_only),
                "class and geometry": (0, seen.class_and_geometry),
                "removed": (removed, seen.removed),
                "added": (added, seen.added),
            },
        )
        if pair.startswith("pr51"):
            where = [(r["file"].rsplit("/", 1)[-1], r["line"]) for r in seen.refusals]
            yield Row(
                f"fsoco/{pair}",
                "malformed line named",
                [("00000034_skid-pad.txt", 30)],
                where if malformed else [],
            )

    return run


def mnist(replay: Replay, data: Path) -> Iterator[Row]:
    folder = data / "mnist-corrected"
    images = tree(folder / "images", under="images/")
    before = {"labels.csv": (folder / "before.csv").read_bytes(), **images}
    after = {"labels.csv": (folder / "after.csv").read_bytes()}
    seen = replay.run("mnist", before, after)
    yield from rows(
        "mnist-corrected",
        {
            "samples": (2000, seen.samples[0]),
            "relabelled": (10, seen.class_only),
            "unlabelled": (3, seen.removed),
            "unchanged": (1987, seen.same),
            "added": (0, seen.added),
        },
    )


# step: entities before, after; type only, removed, added, sentences
UNER: dict[tuple[str, int, int], tuple[int, int, int, int, int, int]] = {
    ("dev", 1, 2): (1111, 1110, 0, 1, 0, 1),
    ("dev", 2, 3): (1110, 964, 0, 147, 1, 115),
    ("dev", 3, 4): (964, 963, 0, 1, 0, 1),
    ("dev", 4, 5): (963, 964, 0, 0, 1, 1),
    ("dev", 5, 6): (964, 966, 0, 0, 2, 2),
    ("dev", 1, 6): (1111, 966, 1, 146, 1, 115),
    ("test", 1, 2): (1196, 1092, 0, 104, 0, 79),
    ("test", 2, 3): (1092, 1088, 0, 9, 5, 10),
    ("test", 1, 3): (1196, 1088, 0, 113, 5, 89),
}


def as_replaced(seen: Seen) -> tuple[int, int]:
    """(removed, added) when every pair of other extent counts as one removed and one added."""
    replaced = seen.geometry_only + seen.class_and_geometry
    return seen.removed + replaced, seen.added + replaced


def uner(part: str, first: int, second: int) -> Case:
    def run(replay: Replay, data: Path) -> Iterator[Row]:
        versions = sorted((data / "uner-ewt" / part).glob("*.iob2"))
        before, after = ({f"{part}.iob2": versions[n - 1].read_bytes()} for n in (first, second))
        seen = replay.run(f"uner-{part}-{first}-{second}", before, after)
        entities_before, entities_after, type_only, removed, added, sentences = UNER[part, first, second]
        removed_seen, added_seen = as_replaced(seen)
        yield from rows(
            f"uner-ewt {part} {first:02d}->{second:02d}",
            {
                "entities": ((entities_before, entities_after), seen.taken),
                "sentences": (({"dev": 2001, "test": 2077}[part],) * 2, seen.samples),
                "type only": (type_only, seen.class_only),
                "removed": (removed, removed_seen),
                "added": (added, added_seen),
                "sentences changed": (sentences, seen.samples_changed),
            },
        )

    return run


def taco(replay: Replay, data: Path) -> Iterator[Row]:
    """v1 -> v2 -> v3 in one repository: two pull requests, the second on top of the merged first."""
    versions = [
        {"annotations.json": (path / "annotations.json").read_bytes()}
        for path in sorted((data / "taco").glob("0*"))
    ]
    counts = [len(json.loads(v["annotations.json"])["annotations"]) for v in versions]
    upstream, first = replay.publish("taco", versions[0])
    yield Row("taco", "annotations of v1", counts[0], sum_of(first))
    expected = {1: (1815, 8, 4, 329), 2: (2124, 0, 28, 28)}
    for step in (1, 2):
        pull, job = replay.propose(upstream, f"v{step + 1}", versions[step])
        seen = Seen(taken=(counts[step - 1], 0))
        replay.judge(upstream, pull, seen)
        same, class_only, only_before, only_after = expected[step]
        removed, added = as_replaced(seen)
        yield from rows(
            f"taco v{step}->v{step + 1}",
            {
                "annotations in the file": (counts[step], sum_of(job)),
                "same class and polygon": (same, seen.same),
                "class only": (class_only, seen.class_only),
                "only before": (only_before, removed),
                "only after": (only_after, added),
            },
        )


def sum_of(job: dict[str, Any]) -> int:
    counted: dict[str, int] = job["result"]["annotations"]
    return counted["taken"] + counted["refused"]


def bccd(replay: Replay, data: Path) -> Iterator[Row]:
    folder = data / "bccd"
    files = {**tree(folder / "images"), **tree(folder / "annotations-voc")}
    upstream, job = replay.publish("bccd", files)
    zero = sorted(r["file"].rsplit("/", 1)[-1] for r in job["refusals"])
    stats = replay.owner.wait_for(
        f"repos/{upstream}/stats?ref=main", lambda s: s["state"] != "running", "statistics"
    )
    by_class = {row["name"]: row["count"] for row in stats["stats"]["classes"]}
    pull, again = replay.propose(upstream, "filename-fix", tree(folder / "before-filename-fix"))
    yield from rows(
        "bccd",
        {
            "samples": (364, job["result"]["samples"]["taken"]),
            "boxes in the files": (4155 + 372 + 361, sum_of(job)),
            "zero-size boxes named": (["BloodImage_00338.xml", "BloodImage_00343.xml"], zero),
            "boxes by class": ({"RBC": 4153, "WBC": 372, "Platelets": 361}, by_class),
            "file-name fix: nothing to propose": ((True, {}), (again["result"]["unchanged"], pull)),
        },
    )


def car_parts(replay: Replay, data: Path) -> Iterator[Row]:
    """Two labelings of the same photographs: damage is published, parts are proposed as a layer of their own."""
    folder = data / "car-parts-polygons"
    for part in ("train", "val"):
        photos = tree(folder / part / "images")
        damage, parts = ((folder / part / f"via_{what}.json").read_bytes() for what in ("damage", "parts"))
        regions = [sum(len(image["regions"]) for image in via_images(text)) for text in (damage, parts)]
        upstream, job = replay.publish(f"car-{part}", {**photos, "via_damage.json": damage})
        pull, second = replay.propose(upstream, "parts", {"via_parts.json": parts}, layer="parts")
        seen = Seen(taken=(0, regions[1]))
        replay.judge(upstream, pull, seen)
        yield from rows(
            f"car-parts {part}",
            {
                "photographs": ({"train": 62, "val": 8}[part], job["result"]["samples"]["taken"]),
                "damage polygons": (regions[0], sum_of(job)),
                "part polygons": (regions[1], sum_of(second)),
                "added by the pull request": (second["result"]["annotations"]["taken"], seen.added),
                "removed by it": (0, seen.removed),
            },
        )


def via_images(text: bytes) -> list[dict[str, Any]]:
    document = json.loads(text)
    return list(document.get("_via_img_metadata", document).values())


def fsdd(replay: Replay, data: Path) -> Iterator[Row]:
    folder = data / "fsdd"
    _upstream, job = replay.publish(
        "fsdd", {"labels.csv": (folder / "labels.csv").read_bytes(), **tree(folder / "clips", under="clips/")}
    )
    yield from rows(
        "fsdd",
        {
            "clips": (300, job["result"]["samples"]["taken"]),
            "labels in the file": (300, sum_of(job)),
        },
    )
    labels = {name: name.split("_")[0] for name in tree(folder / "retrimmed" / "before")}
    table = ("file,digit\n" + "".join(f"{name},{digit}\n" for name, digit in sorted(labels.items()))).encode()
    seen = replay.run(
        "fsdd-retrimmed",
        {"labels.csv": table, **tree(folder / "retrimmed" / "before", under="clips/")},
        {"labels.csv": table, **tree(folder / "retrimmed" / "after", under="clips/")},
    )
    yield from rows(
        "fsdd retrimmed",
        {
            "clips with other bytes": (12, seen.media_changed),
            "labels changed": (0, seen.added + seen.removed + seen.class_only + seen.geometry_only),
            "same": (12, seen.same),
        },
    )


def agreement(replay: Replay, name: str, table: bytes) -> dict[str, Any]:
    upstream, _ = replay.publish(
        name,
        {"votes.csv": table},
        format="votes",
        options={"mapping": {"item": "item", "annotator": "annotator", "label": "label", "gold": "gold"}},
    )
    stats = replay.owner.wait_for(
        f"repos/{upstream}/stats?ref=main", lambda s: s["state"] != "running", "statistics"
    )
    answer: dict[str, Any] = stats["agreement"]
    return answer


def crowd_temp(replay: Replay, data: Path) -> Iterator[Row]:
    seen = agreement(replay, "crowd-temp", (data / "crowd-temp" / "annotations.csv").read_bytes())
    yield from rows(
        "crowd-temp",
        {
            "items": (462, seen["items"]),
            "annotators": (76, seen["annotators"]),
            "Krippendorff's alpha": (0.223413, round(seen["alpha"], 6)),
            "percent agreement": (0.612891, round(seen["percent"], 6)),
            "Fleiss' kappa": (0.223245, round(seen["fleiss_kappa"], 6)),
        },
    )


def bluebirds_csv(data: Path) -> bytes:
    """The YAML of the source, as one vote a line with its gold answer."""
    labels = yaml.safe_load((data / "crowd-bluebirds" / "labels.yaml").read_text())
    gold = yaml.safe_load((data / "crowd-bluebirds" / "gt.yaml").read_text())
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["item", "annotator", "label", "gold"])
    for worker, votes in labels.items():
        writer.writerows(
            [item, worker, str(vote).lower(), str(gold[item]).lower()] for item, vote in votes.items()
        )
    return out.getvalue().encode()


def crowd_bluebirds(replay: Replay, data: Path) -> Iterator[Row]:
    seen = agreement(replay, "crowd-bluebirds", bluebirds_csv(data))
    yield from rows(
        "crowd-bluebirds",
        {
            "items": (108, seen["items"]),
            "annotators": (39, seen["annotators"]),
            "Krippendorff's alpha": (0.125501, round(seen["alpha"], 6)),
            "percent agreement": (0.588194, round(seen["percent"], 6)),
            "Fleiss' kappa": (0.125293, round(seen["fleiss_kappa"], 6)),
        },
    )


CASES: dict[str, Case] = {
    **{f"fsoco/{pair}": fsoco(pair) for pair in FSOCO},
    "mnist-corrected": mnist,
    **{f"uner-ewt/{part}-{a}-{b}": uner(part, a, b) for part, a, b in UNER},
    "taco": taco,
    "bccd": bccd,
    "car-parts": car_parts,
    "fsdd": fsdd,
    "crowd-temp": crowd_temp,
    "crowd-bluebirds": crowd_bluebirds,
}
