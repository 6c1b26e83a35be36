"""`python -m tests.mutation`: how many small faults in diff and merge the tests notice, and which they do not.

docs/design/TESTING.md says what is done and what came of it. Ends with 1 when fewer than `--least` percent are noticed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from dataclasses import dataclass

from tests.mutation.trial import Fate, Trial


@dataclass(frozen=True, slots=True)
class Group:
    """Modules of one package, and what tests them (but for tests over real data, which is not there everywhere)."""

    package: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = (
    Group(
        "repos.annotations",
        ("alignment", "pairing", "assignment", "small_merges", "merge_annotation", "merge_entry", "resolve",
         "facets", "semantic"),
        ("unit/annotations/test_merge_examples.py", "unit/annotations/test_pairing.py",
         "unit/annotations/test_merge_snapshots.py", "property/annotations/test_schema_merge_laws.py",
         "unit/annotations/test_small_merges.py", "unit/annotations/test_merge_grounds.py",
         "unit/annotations/test_semantic.py", "property/annotations/test_merge_laws.py",
         "property/annotations/test_pairing_laws.py"),
    ),
    Group(
        "repos.annotations",
        ("merge", "merge_columns", "merge_files", "merge_rows", "merge_sample", "merge_schema", "merge_work",
         "apply"),
        ("unit/annotations/test_merge_examples.py", "unit/annotations/test_merge_snapshots.py",
         "unit/annotations/test_attacks.py", "property/annotations/test_merge_trees.py",
         "property/annotations/test_schema_merge_laws.py", "property/annotations/test_edit_laws.py"),
    ),
    Group(
        "repos.labelstore",
        ("treediff", "settle", "edit", "boundary"),
        ("unit/labelstore", "property/labelstore", "golden/test_labelstore_golden.py"),
    ),
)  # fmt: skip
NOTICED = (Fate.KILLED, Fate.STOPPED)


def main() -> int:
    options = arguments()
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    import pytest  # reads the profile when the tests are collected

    wanted = set(options.modules)
    chosen = [group for group in GROUPS if not wanted or wanted & set(group.modules)]
    names = [f"{g.package}.{m}" for g in chosen for m in g.modules if not wanted or m in wanted]
    tests = dict.fromkeys(f"tests/{path}" for group in chosen for path in group.tests)
    trial = Trial(names, options.sample, options.seed, options.jobs, only=options.only)
    code = pytest.main([*tests, "--timeout=0", "-p", "no:cacheprovider", *options.pytest], plugins=[trial])
    if not trial.results:
        return int(code) or 2
    return 0 if report(trial, names) >= options.least else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="last names of modules, default all of them")
    parser.add_argument("--sample", type=int, default=0, help="mutants per module, 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.0, help="percentage to be noticed")
    parser.add_argument("--only", default="", help="mutants whose line in the list has this text")
    parser.add_argument("--pytest", action="append", default=[], help="an argument for pytest")
    return parser.parse_args()


def report(trial: Trial, names: list[str]) -> float:
    """Prints the table; the percentage noticed of all."""
    total: Counter[Fate] = Counter()
    print(f"\n{'module':<36}{'mutants':>8}{'killed':>8}{'stopped':>8}{'alive':>8}{'rate':>8}")
    for name in names:
        counts = Counter(fate for mutant, fate in trial.results.items() if mutant.module == name)
        total += counts
        _line(name, counts)
    _line("all", total)
    return _rate(total)


def _line(name: str, counts: Counter[Fate]) -> None:
    alive = counts[Fate.SURVIVED] + counts[Fate.UNTESTED]
    cells = (counts.total(), counts[Fate.KILLED], counts[Fate.STOPPED], alive)
    print(f"{name:<36}{''.join(f'{n:>8}' for n in cells)}{_rate(counts):>7.1f}%")


def _rate(counts: Counter[Fate]) -> float:
    return 100 * sum(counts[fate] for fate in NOTICED) / max(1, counts.total())


if __name__ == "__main__":
    sys.exit(main())
