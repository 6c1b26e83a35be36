"""One-to-one assignment by greatest total overlap: candidates by place, split into components, solved
exactly.

Invariant: the result depends on the two sets of nodes only, never on their order, on which is called left, or
on the machine: weights are whole numbers, nodes are taken in the order of their ids, and a component is
always given to the solver the same way round. Among assignments of equal total overlap one with most equal
classes wins. Cost: O(n log n) to find candidates that share a place; a component of at most EXACT nodes is
solved in O(n^3), a larger one greedily, best pair first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when first used: half a second that most processes never need
import shapely
from shapely.geometry.base import BaseGeometry

from repos.annotations.geometry_ops import STEPS, Extent

EXACT = 300
"""Largest component, counting nodes of both sides, that is solved exactly."""
SMALL = 256
"""Up to this many possible pairs a plain loop is faster than a spatial index."""
CLASS_STEP = 512
"""One step of overlap outweighs an equal class in every pair of the largest exact component (150 pairs)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A possible pair: positions on either side, overlap in [0, 1], whether the classes agree."""

    left: int
    right: int
    overlap: float
    same_class: bool

    @property
    def weight(self) -> int:
        return round(self.overlap * STEPS) * CLASS_STEP + self.same_class


def touching(left: Sequence[Extent | None], right: Sequence[Extent | None]) -> list[tuple[int, int]]:
    """Positions of the extents that share a point, in order; None shares none."""
    if len(left) * len(right) <= SMALL:
        return [(i, j) for i, a in enumerate(left) for j, b in enumerate(right) if a and b and _touch(a, b)]
    at_left = [i for i, e in enumerate(left) if e is not None]
    at_right = [j for j, e in enumerate(right) if e is not None]
    if not at_left or not at_right:
        return []
    tree = shapely.STRtree(_boxes(left, at_left))
    j, i = tree.query(_boxes(right, at_right))
    order = np.lexsort((j, i))  # both sides' positions ascend
    return list(zip(np.array(at_left)[i[order]].tolist(), np.array(at_right)[j[order]].tolist(), strict=True))


def _touch(a: Extent, b: Extent) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _boxes(extents: Sequence[Extent | None], chosen: Sequence[int]) -> list[BaseGeometry]:
    bounds = np.array([extents[i] for i in chosen], dtype=np.float64)
    return list(shapely.box(bounds[:, 0], bounds[:, 1], bounds[:, 2], bounds[:, 3]))


Name = Callable[[int], bytes]


def assign(edges: Iterable[Edge], left_name: Name, right_name: Name) -> list[Edge]:
    """The chosen edges, sorted by position.

    The names give the order of the nodes: ids, distinct on each side.
    """
    chosen: list[Edge] = []
    for component in _components(edges):
        chosen += _solve(component, left_name, right_name)
    return sorted(chosen, key=lambda e: (e.left, e.right))


def _components(edges: Iterable[Edge]) -> list[list[Edge]]:
    """Connected components, by union-find over both sides' nodes."""
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def find(node: tuple[int, int]) -> tuple[int, int]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    listed = list(edges)
    for edge in listed:
        parent[find((0, edge.left))] = find((1, edge.right))
    grouped: dict[tuple[int, int], list[Edge]] = defaultdict(list)
    for edge in listed:
        grouped[find((0, edge.left))].append(edge)
    return list(grouped.values())


def _solve(edges: list[Edge], left_name: Name, right_name: Name) -> list[Edge]:
    if len(edges) == 1:
        return edges
    left, right = {e.left for e in edges}, {e.right for e in edges}
    if len(left) + len(right) > EXACT or len(left) == 1 or len(right) == 1:
        return _greedy(edges, left_name, right_name)
    return _exact(edges, sorted(left, key=left_name), sorted(right, key=right_name), left_name, right_name)


def _greedy(edges: list[Edge], left_name: Name, right_name: Name) -> list[Edge]:
    """Best weight first; ties by the smaller,
    then the larger id of the two. Exact when one side has one node.
    """

    def order(edge: Edge) -> tuple[int, list[bytes]]:
        return (-edge.weight, sorted((left_name(edge.left), right_name(edge.right))))

    taken_left, taken_right, chosen = set[int](), set[int](), list[Edge]()
    for edge in sorted(edges, key=order):
        if edge.left not in taken_left and edge.right not in taken_right:
            taken_left.add(edge.left)
            taken_right.add(edge.right)
            chosen.append(edge)
    return chosen


def _exact(
    edges: list[Edge], left: list[int], right: list[int], left_name: Name, right_name: Name
) -> list[Edge]:
    row = {node: n for n, node in enumerate(left)}
    column = {node: n for n, node in enumerate(right)}
    by_place = {(row[e.left], column[e.right]): e for e in edges}
    weights = np.zeros((len(left), len(right)))
    for place, edge in by_place.items():
        weights[place] = edge.weight
    if list(map(left_name, left)) > list(map(right_name, right)):
        columns, rows = scipy.optimize.linear_sum_assignment(weights.T, maximize=True)
    else:
        rows, columns = scipy.optimize.linear_sum_assignment(weights, maximize=True)
    places = zip(rows.tolist(), columns.tolist(), strict=True)
    return [by_place[place] for place in places if place in by_place]
