"""What requests and processes cost, as the server and the kernel say it, and the table of it."""

from __future__ import annotations

import os
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

TIMES = 5
WARM_UP = 4
_DURATION = re.compile(r"(\w+);dur=([\d.]+)")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Of one answer, in milliseconds: from first middleware to last, and of the processor."""

    app: float
    cpu: float


@dataclass
class Row:
    """One line of the table: the first answer of a kind, and those that followed when the caches were warm."""

    what: str
    goal: float
    first: Cost
    rest: list[Cost] = field(default_factory=list)

    @property
    def app(self) -> float:
        return statistics.median(c.app for c in self.rest or [self.first])

    @property
    def cpu(self) -> float:
        return statistics.median(c.cpu for c in self.rest or [self.first])

    @property
    def most(self) -> float:
        return max(c.app for c in self.rest or [self.first])

    def line(self) -> str:
        verdict = "" if self.app <= self.goal else "missed" if self.cpu > self.goal else "missed (load)"
        return (
            f"| {self.what} | {self.first.app:.0f} | {self.app:.0f} | {self.most:.0f} | {self.cpu:.0f} "
            f"| {self.goal:.0f} | {verdict} |"
        )


def percentile(times: Sequence[float], at: float) -> float:
    """The nearest rank; 0 of none."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * at / 100))] if ordered else 0.0


HEAD = "| request | first | median of 5 | max | CPU (median) | goal | |\n|---|---|---|---|---|---|---|"


def cost_of(headers: object) -> Cost:
    """From the header Server-Timing."""
    found = dict(_DURATION.findall(str(headers.get("Server-Timing", ""))))  # type: ignore[attr-defined]
    return Cost(float(found["app"]), float(found["cpu"]))


def fetch(
    method: str, url: str, headers: dict[str, str], body: bytes | None = None
) -> urllib3.BaseHTTPResponse:
    """On a connection of its own, so that every process of the server gets its share."""
    with urllib3.PoolManager(timeout=300.0, retries=False) as pool:
        answer = pool.request(method, url, headers=headers, body=body, redirect=False)
    if answer.status >= 400:
        raise RuntimeError(
            f"{method} {url}: HTTP {answer.status}: {answer.data[:600].decode(errors='replace')}"
        )
    return answer


def repeated(what: str, goal: float, ask: Callable[[], Cost]) -> Row:
    """The first answer, a few that are not counted, then TIMES."""
    row = Row(what, goal, ask())
    for _ in range(WARM_UP):
        ask()
    row.rest = [ask() for _ in range(TIMES)]
    return row


# ---- processes ------------------------------------------------------------------------------------------------


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    waiting = [pid]
    while waiting:
        yield (now := waiting.pop())
        waiting += children.get(now, [])


def _parent(entry: Path) -> int | None:
    try:
        return int(entry.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def named(pid: int, word: str) -> list[int]:
    """Those of the family whose command has the word."""
    found = []
    for each in family(pid):
        try:
            command = Path(f"/proc/{each}/cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in command:
            found.append(each)
    return found


def memory(pids: list[int]) -> tuple[float, float]:
    """MB resident now, summed, and the highest that one of them ever had."""
    now, most = 0.0, 0.0
    for pid in pids:
        text = Path(f"/proc/{pid}/status").read_text()
        values = {k: int(v) / 1024 for k, v in re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", text)}
        now, most = now + values["VmRSS"], max(most, values["VmHWM"])
    return now, most


def cpu_seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK
