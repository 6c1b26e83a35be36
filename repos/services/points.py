"""The few figures of a snapshot that charts over commits draw, kept under its address."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from repos.labelstore.derived import DerivedStore
from repos.labelstore.digest import Address

KIND = "point-1"
CLASSES = 50
Point = Mapping[str, Any]


def keep(store: DerivedStore, snapshot: Address, document: Mapping[str, Any]) -> None:
    """Of the document of quality/report.py."""
    stats, agreement = document["stats"], document["agreement"] or {}
    classes = sorted(stats["classes"], key=lambda row: -row["count"])[:CLASSES]
    point = {
        "annotations": stats["annotations"],
        "samples": stats["samples"],
        "classes": {row["id"] or "": row["count"] for row in classes},
        "flagged": document["checks"]["total"],
        "suspects": document["suspects"]["count"],
        "agreement": agreement.get("percent"),
        "interval": agreement.get("interval"),
    }
    store.put_many(KIND, {snapshot: json.dumps(point).encode()})


def points_of(store: DerivedStore, snapshots: Sequence[Address]) -> dict[Address, Point]:
    """Those that are kept."""
    found: dict[Address, Point] = {}
    for address, raw in store.get_many(KIND, list(dict.fromkeys(snapshots))).items():
        try:
            found[address] = json.loads(raw)
        except ValueError:
            continue
    return found
