"""The side of a peer: a process that carries out one operation at a time and says what it cost.

A request is a line of JSON {"op", "k"} on standard input, the answer one on standard output. Operations are methods;
what is in `with self.clock():` counts, everything else (making rows, laying out files) does not.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.bench.engine.data import Data

POINTS = 200


def _cpu() -> float:
    """Seconds of processor of this process and of those it has waited for."""
    below = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + below.ru_utime + below.ru_stime


class Peer:
    """One product. `root` is a folder of its own for what it stores; `data` the rows."""

    name: ClassVar[str]

    def __init__(self, root: Path, data: Data) -> None:
        self.root, self.data = root, data
        self.wall = self.cpu = 0.0
        root.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Adds to what this operation has taken."""
        wall, cpu = time.perf_counter(), _cpu()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += _cpu() - cpu

    def initial(self) -> int:
        """Everything into a new repository and a first commit that is on disk; gives the number of rows."""
        raise NotImplementedError

    def open(self) -> None:
        """Get ready to work on what `initial` made; timed only when an operation is measured cold."""

    def _commit(self, version: str) -> int:
        """The edits of a version on the first commit, on a branch of their own; gives their number."""
        raise NotImplementedError

    def commit_10(self, k: int) -> int:
        return self._commit(f"tiny-{k}")

    def commit_10_cold(self, k: int) -> int:
        return self._commit(f"cold-{k}")

    def commit_100(self, k: int) -> int:
        return self._commit(f"hundred-{k}")

    def commit_1000(self, k: int) -> int:
        return self._commit(f"thousand-{k}")

    def commit_1(self, k: int) -> int:
        return self._commit(f"a-{k}")

    def commit_1_more(self, k: int) -> int:
        return self._commit(f"b-{k}")

    def size(self) -> int:
        """Bytes that are allocated on disk."""
        return sum(path.lstat().st_blocks * 512 for path in self.root.rglob("*") if path.is_file())

    def evict(self) -> None:
        """Ask the kernel to forget the files, so that a cold start reads the disk."""
        os.sync()
        for path in self.root.rglob("*"):
            if path.is_file() and hasattr(os, "posix_fadvise"):
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)

    def run(self, op: str, k: int, cold: bool) -> dict[str, Any]:
        self.wall = self.cpu = 0.0
        before = self.size()
        if cold:
            self.evict()
            with self.clock():
                self.open()
        found = getattr(self, op)() if op == "initial" else getattr(self, op)(k)
        return {
            "wall": self.wall,
            "cpu": self.cpu,
            "rows": found,
            "grown": self.size() - before,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def serve(make: type[Peer]) -> None:
    """Answer requests until standard input ends. Arguments: folder of the peer, folder of the data."""
    peer = make(Path(sys.argv[1]), Data(Path(sys.argv[2])))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not come between answers
    is_open = False
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["op"] != "initial" and not asked["cold"] and not is_open:
                peer.open()
            is_open = is_open or asked["op"] != "initial"
            answer = peer.run(asked["op"], asked["k"], asked["cold"])
        except Exception as error:  # a peer may fail in any way; the run goes on and says so
            answer = {"error": f"{type(error).__name__}: {error}"[:400]}
        print(json.dumps(answer), file=out, flush=True)
