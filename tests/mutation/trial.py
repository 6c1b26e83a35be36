"""A pytest plugin: runs the tests once, noting which lines each of them executes, and then each mutant in a fork of
this process against the tests that execute its line, the quickest first, until one fails.

A mutant that makes a test take ten times as long and five seconds more is stopped, and has been noticed too. Times
are those of the processor, so that a busy machine does not decide.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

import pytest
from _pytest.runner import runtestprotocol
from coverage import Coverage

from tests.mutation.operators import Mutant
from tests.mutation.patching import Target

MEMORY = 4 << 30
SURVIVED, KILLED, BROKEN = 0, 1, 2


class Fate(Enum):
    KILLED = "killed"
    STOPPED = "stopped"
    SURVIVED = "survived"
    UNTESTED = "untested"


@dataclass(slots=True)
class Trial:
    """What is tried, and what came of it. `sample`: mutants per module, chosen by the seed; 0 takes all."""

    modules: Sequence[str]
    sample: int = 0
    seed: int = 0
    jobs: int = 2
    slowest: float = 30.0
    only: str = ""
    results: dict[Mutant, Fate] = field(default_factory=dict)
    executed: dict[pytest.Item, set[tuple[str, int]]] = field(default_factory=dict)
    seconds: dict[pytest.Item, float] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        targets = {name: Target.of(name) for name in self.modules}
        files = [target.module.__file__ or "" for target in targets.values()]
        for item in session.items:
            self._watch(item, files)
        self._say(f"{len(self.seconds)} tests in {sum(self.seconds.values()):.0f} s of processor time\n")
        gc.collect()
        gc.freeze()
        self._all(
            [(targets[name], mutant) for name in self.modules for mutant in self._chosen(targets[name])]
        )
        return True

    def _watch(self, item: pytest.Item, files: Sequence[str]) -> None:
        """Run a test as it is: it must pass. Which lines of the modules it executes, and how long it takes."""
        measured = Coverage(data_file=None, config_file=False, include=files, messages=False)
        measured.set_option("run:disable_warnings", ["no-data-collected"])
        start = time.process_time()
        with measured.collect():
            passed = _passes(item)
        if not passed:
            raise pytest.UsageError(f"{item.nodeid} fails without any mutant")
        self.seconds[item] = time.process_time() - start
        if self.seconds[item] <= self.slowest:
            data = measured.get_data()
            self.executed[item] = {(path, line) for path in files for line in data.lines(path) or ()}

    def _chosen(self, target: Target) -> list[Mutant]:
        found = [mutant for mutant in target.mutants() if self.only in mutant.title]
        if self.sample and len(found) > self.sample:
            name = target.module.__name__
            found = random.Random(f"{self.seed} {name}").sample(found, self.sample)
        return sorted(found, key=lambda mutant: mutant.lines.start)

    def _tests(self, target: Target, mutant: Mutant) -> list[pytest.Item]:
        """Those that execute the line; of a constant, which is set when the module is imported, all of its module."""
        path = target.module.__file__ or ""
        lines = range(2**31) if mutant.function.isupper() else mutant.lines
        found = [i for i, seen in self.executed.items() if any(p == path and n in lines for p, n in seen)]
        return sorted(found, key=self.seconds.__getitem__)

    def _all(self, work: Iterable[tuple[Target, Mutant]]) -> None:
        running: dict[int, Mutant] = {}
        for target, mutant in work:
            tests = self._tests(target, mutant)
            if not tests:
                self._note(mutant, Fate.UNTESTED)
                continue
            if len(running) >= self.jobs:
                self._wait(running)
            running[_forked(partial(self._try, target, mutant, tests))] = mutant
        while running:
            self._wait(running)

    def _try(self, target: Target, mutant: Mutant, tests: Sequence[pytest.Item]) -> int:
        gc.unfreeze()  # the collector does not tell of frozen functions
        target.spoil(mutant)
        gc.freeze()
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        for item in tests:
            signal.setitimer(signal.ITIMER_VIRTUAL, 5 + 10 * self.seconds[item])
            if not _passes(item):
                return KILLED
        return SURVIVED

    def _wait(self, running: dict[int, Mutant]) -> None:
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        if code == BROKEN:
            raise RuntimeError(f"the mutant could not be tried: {running[pid].title}")
        fate = Fate.SURVIVED if code == SURVIVED else Fate.STOPPED if code < 0 else Fate.KILLED
        self._note(running.pop(pid), fate)

    def _note(self, mutant: Mutant, fate: Fate) -> None:
        self.results[mutant] = fate
        if fate in (Fate.SURVIVED, Fate.UNTESTED):
            self._say(f"{fate.value}  {mutant.title}\n")

    @staticmethod
    def _say(text: str) -> None:
        if sys.__stderr__ is not None:
            sys.__stderr__.write(text)
            sys.__stderr__.flush()


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _forked(run: Callable[[], int]) -> int:
    """The id of a process that ends with the result of `run`."""
    if pid := os.fork():
        return pid
    code = BROKEN
    try:
        code = run()
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)
