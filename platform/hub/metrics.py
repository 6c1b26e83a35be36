"""What a process counts of its work, and how all processes of a machine tell it together.

The counters are prometheus_client's. With PROMETHEUS_MULTIPROC_DIR set (`make up` does), each process counts in a file
of its own in that folder and `/metrics` adds them up: web and workers alike. Without it a process tells only its own.
Cost: a count is an addition in memory that the kernel writes behind.
"""

from __future__ import annotations

from time import perf_counter
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

from hub.env import ENVIRONMENT

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0)

NODES = Counter("labelhub_nodes_read_total", "Tree nodes read, by the level that had them", ["level"])
STORE = Histogram(
    "labelhub_store_seconds", "Requests to the object store, by action", ["action"], buckets=BUCKETS
)
REQUESTS = Histogram(
    "labelhub_request_seconds",
    "Answered requests, by method, view and class of status",
    ["method", "view", "status"],
    buckets=BUCKETS,
)


class Timed:
    """`with Timed(action)`: one request to the store, however it ends."""

    def __init__(self, action: str) -> None:
        self._action = action

    def __enter__(self) -> None:
        self._begun = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        STORE.labels(self._action).observe(perf_counter() - self._begun)


def exposition() -> bytes:
    """Everything, in Prometheus' text format."""
    if not ENVIRONMENT.metrics_folder:
        return generate_latest(REGISTRY)
    every = CollectorRegistry()
    MultiProcessCollector(every)  # type: ignore[no-untyped-call]
    return generate_latest(every)
