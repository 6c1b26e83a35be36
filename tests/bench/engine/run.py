"""One run: peers in turn, operation by operation, repetition by repetition; every figure kept as it was measured.

Results go to a file after each operation. A run that is started again goes on behind the data sets that are complete.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.bench.engine.data import make

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / ".bench"
MODULES = {
    "labelhub": "labelhub",
    "doltlite": "doltlite",
    "git": "git",
    "oxen": "oxen_peer",
    "delta": "delta_peer",
    "duckdb": "duckdb_peer",
}
OWN = ("labelhub", "git")
"""Those that run in LabelHub's environment; the others need their wheels."""
NEEDS = {
    "doltlite": "doltlite",
    "oxen": "oxen, pyarrow",
    "delta": "deltalake, pyarrow",
    "duckdb": "duckdb, pyarrow",
}

WARM = (
    "commit_10",
    "commit_100",
    "commit_1000",
    "commit_1",
    "commit_1_more",
    "diff_10",
    "diff_1",
    "diff_any",
    "merge",
    "export",
    "point",
)
COLD = ("commit_10_cold", "diff_1", "diff_any", "point")
LACKS = {
    "oxen": {"merge", "export", "point", "commit_10_cold", "commit_100", "commit_1000"},
    "delta": {"commit_1_more", "diff_any", "merge", "point"},
    "duckdb": {
        "commit_10",
        "commit_100",
        "commit_1000",
        "commit_1",
        "commit_1_more",
        "commit_10_cold",
        "diff_10",
        "diff_1",
        "merge",
    },
}
SLOW = {"git": 1, "oxen": 1}
"""Repetitions above a million rows, of the peers whose work tree takes longer to lay out than to commit."""


class Process:
    """A peer that answers."""

    def __init__(self, peer: str, store: Path, data: Path, log: TextIO) -> None:
        python = sys.executable if peer in OWN else str(HOME / "venv" / "bin" / "python")
        self._process = subprocess.Popen(
            [python, "-m", f"tests.bench.engine.{MODULES[peer]}", str(store), str(data)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
        )  # fmt: skip

    def ask(self, op: str, k: int, *, cold: bool = False) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a peer without pipes")
        try:
            self._process.stdin.write(json.dumps({"op": op, "k": k, "cold": cold}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": "the process ended"}

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


@dataclass
class Run:
    """What is asked for and where it goes."""

    peers: Sequence[str]
    repeat: int
    results: Path
    log: TextIO

    def data_set(self, name: str, n: int) -> None:
        """Everything about one data set, unless the results have it already."""
        label = f"{name}-{n}"
        if any(entry["set"] == label and entry["op"] == "done" for entry in self._known()):
            print(f"{label}: measured before")
            return
        kept = [entry for entry in self._known() if entry["set"] != label]
        self.results.write_text("".join(json.dumps(entry) + "\n" for entry in kept))
        data = HOME / "data" / label
        make(data, name, n, self.repeat)
        stores = {peer: HOME / "stores" / label / peer for peer in self.peers}
        try:
            self._initial(label, data, stores)
            self._warm(label, data, stores)
            self._cold(label, data, stores)
            self._note(label, "done", "", 0, {})
        finally:
            shutil.rmtree(HOME / "stores" / label, ignore_errors=True)

    def _known(self) -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in self.results.read_text().splitlines()]
            if self.results.exists()
            else []
        )

    def _times(self, label: str, peer: str) -> int:
        large = int(label.rpartition("-")[2]) > 1_000_000
        return SLOW.get(peer, self.repeat) if large else self.repeat

    def _initial(self, label: str, data: Path, stores: dict[str, Path]) -> None:
        """A new process and a new folder each time; the last one is what the other operations work on."""
        for k in range(self.repeat):
            for peer, store in stores.items():
                if k < self._times(label, peer):
                    shutil.rmtree(store, ignore_errors=True)
                    with self._process(peer, store, data) as process:
                        self._note(label, "initial", peer, k, process.ask("initial", k))

    def _warm(self, label: str, data: Path, stores: dict[str, Path]) -> None:
        processes = {peer: Process(peer, store, data, self.log) for peer, store in stores.items()}
        try:
            for k in range(self.repeat):
                for op in WARM:
                    for peer, process in processes.items():
                        if op not in LACKS.get(peer, ()) and k < self._times(label, peer):
                            self._note(label, op, peer, k, process.ask(op, k))
        finally:
            for process in processes.values():
                process.close()

    def _cold(self, label: str, data: Path, stores: dict[str, Path]) -> None:
        """A new process, its files out of the kernel's cache; opening the store counts."""
        for k in range(self.repeat):
            for op in COLD:
                for peer, store in stores.items():
                    lacks = op in LACKS.get(peer, ()) or (peer == "delta" and op == "diff_1")
                    if not lacks and k < self._times(label, peer):
                        with self._process(peer, store, data) as process:
                            name = f"{op.removesuffix('_cold')}_cold"
                            self._note(label, name, peer, k, process.ask(op, k, cold=True))

    @contextmanager
    def _process(self, peer: str, store: Path, data: Path) -> Iterator[Process]:
        process = Process(peer, store, data, self.log)
        try:
            yield process
        finally:
            process.close()

    def _note(self, label: str, op: str, peer: str, k: int, answer: dict[str, Any]) -> None:
        entry = {"set": label, "op": op, "peer": peer, "k": k, **answer}
        with self.results.open("a") as out:
            out.write(json.dumps(entry) + "\n")
        if op != "done":
            told = (
                answer.get("error") or f"{answer['wall'] * 1e3:10.1f} ms  {answer['cpu'] * 1e3:10.1f} ms cpu"
            )
            print(f"{label:16s} {op:16s} {peer:9s} {k}  {told}  {answer.get('rows', '')}", flush=True)


def missing(peers: Sequence[str]) -> dict[str, str]:
    """Peers that can not run here, and why."""
    python = HOME / "venv" / "bin" / "python"
    found: dict[str, str] = {}
    for peer in peers:
        if peer == "git" and shutil.which("git") is None:
            found[peer] = "no git on the path"
        elif peer in NEEDS:
            script = f"import {NEEDS[peer]}"
            made = (
                python.exists()
                and not subprocess.run([python, "-c", script], capture_output=True, check=False).returncode
            )
            if not made:
                found[peer] = f"{NEEDS[peer]} not installed in .bench/venv"
    return found
