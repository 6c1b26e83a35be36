"""`make real`: every case against a platform of its own, started and stopped here; prints what was expected and seen.

Options: names of cases (prefixes), `--base URL --tokens A B` to use a platform that runs already.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.real.api import Api
from tests.real.cases import CASES, Row
from tests.real.platform import Platform
from tests.real.replay import Replay

ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path | None:
    """The real data: LABELHUB_SHARED_DATA, or shared/data beside the checkout; None where there is none."""
    given = os.environ.get("LABELHUB_SHARED_DATA")
    found = Path(given) if given else ROOT.parent / "shared" / "data"
    return found if (found / "README.md").is_file() else None


def run_case(name: str, replay: Replay, data: Path) -> Iterator[Row]:
    try:
        yield from CASES[name](replay, data)
    except Exception as error:  # one case that fails must not hide the others
        traceback.print_exc()
        yield Row(name, "ran to its end", True, f"{type(error).__name__}: {str(error)[:200]}")


def run(names: Sequence[str], replay: Replay, data: Path) -> list[Row]:
    rows = []
    for name in names:
        began = time.monotonic()
        made = list(run_case(name, replay, data))
        rows += made
        verdict = "equal" if all(row.equal for row in made) else "DIFFERENT"
        print(f"{name:40} {verdict:10} {len(made):3} figures  {time.monotonic() - began:6.1f} s", flush=True)
    return rows


def table(rows: Sequence[Row]) -> str:
    lines = ["", f"{'case':34} {'figure':62} {'expected':>24} {'seen':>24}"]
    for row in rows:
        mark = "" if row.equal else "   <-- differs"
        lines.append(f"{row.case:34} {row.figure:62} {row.expected!s:>24} {row.seen!s:>24}{mark}")
    equal = sum(row.equal for row in rows)
    return "\n".join([*lines, "", f"{equal} of {len(rows)} figures equal"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="make real", description=__doc__)
    parser.add_argument("cases", nargs="*", help="prefixes of case names; all when none is given")
    parser.add_argument("--base", default="")
    parser.add_argument("--tokens", nargs=2, metavar=("OWNER", "CONTRIBUTOR"))
    given = parser.parse_args()
    data = data_folder()
    if data is None:
        print("the real data is not on this machine (set LABELHUB_SHARED_DATA): nothing to do")
        return 0
    names = [n for n in CASES if not given.cases or any(n.startswith(c) for c in given.cases)]
    if given.base:
        rows = run(names, Replay(*(Api(given.base, token) for token in given.tokens)), data)
    else:
        with Platform() as platform:
            rows = run(names, Replay(*platform.users("maintainer", "contributor")), data)
    print(table(rows))
    return 0 if rows and all(row.equal for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
