"""A DiffSummary as JSON that reads back: what a computation over a range of keys leaves for the sum.

Invariant: `decode(encode(s)) == s`. Classes are listed once and named by their place, so 80 classes that all became one
another take some 80 KB.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from repos.annotations.facets import Facet
from repos.annotations.semantic import Status
from repos.annotations.summary import ClassId, DiffSummary

PLAIN = ("by_split", "by_annotator")


def encode(found: DiffSummary) -> dict[str, Any]:
    classes: dict[ClassId, int] = {}

    def place(label_class: ClassId) -> int:
        return classes.setdefault(label_class, len(classes))

    shape: dict[str, Any] = {
        "samples": {status.value: n for status, n in found.samples.items()},
        "facets": {facet.value: n for facet, n in found.facets.items()},
        "changed": found.changed,
        "by_class": [[place(c), facet.value, n] for (c, facet), n in found.by_class.items()],
        "transitions": [[place(a), place(b), n] for (a, b), n in found.transitions.items()],
        "overlaps": list(found.overlaps.items()),
        "sizes": [[facet.value, size, n] for (facet, size), n in found.sizes.items()],
        **{name: dict(getattr(found, name)) for name in PLAIN},
    }
    return shape | {"classes": [None if c is None else c.hex() for c in classes]}


def decode(shape: Mapping[str, Any]) -> DiffSummary:
    classes: list[ClassId] = [None if c is None else bytes.fromhex(c) for c in shape["classes"]]
    return DiffSummary(
        samples=Counter({Status(name): n for name, n in shape["samples"].items()}),
        facets=Counter({Facet(name): n for name, n in shape["facets"].items()}),
        changed=shape["changed"],
        by_class=Counter({(classes[c], Facet(name)): n for c, name, n in shape["by_class"]}),
        transitions=Counter({(classes[a], classes[b]): n for a, b, n in shape["transitions"]}),
        overlaps=Counter(dict(shape["overlaps"])),
        sizes=Counter({(Facet(name), size): n for name, size, n in shape["sizes"]}),
        **{name: Counter(shape[name]) for name in PLAIN},
    )
