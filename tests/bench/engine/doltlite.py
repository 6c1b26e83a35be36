"""DoltLite: SQLite's interface on the prolly trees of Dolt, as a C library inside the process (wheel `doltlite`)."""

# ruff: noqa: I001 - doltlite comes first: it takes the place of the SQLite behind sqlite3
from __future__ import annotations

from typing import Any

import doltlite  # noqa: F401
import sqlite3

from tests.bench.engine.data import Edits
from tests.bench.engine.peer import POINTS, Peer, serve

CREATE = """create table labels(image text not null, id integer not null, cls text, x real, y real, w real, h real,
shape text, attrs text, annotator text, primary key(image, id))"""
UPDATE = (
    """update labels set cls=?, x=?, y=?, w=?, h=?, shape=?, attrs=?, annotator=? where image=? and id=?"""
)
INSERT = "insert into labels values(?,?,?,?,?,?,?,?,?,?)"


class DoltLite(Peer):
    name = "doltlite"

    def _ask(self, sql: str, *values: Any) -> list[Any]:
        return self.db.execute(sql, *values).fetchall()

    def open(self) -> None:
        self.db = sqlite3.connect(self.root / "labels.db", isolation_level=None)

    def initial(self) -> int:
        self.open()
        with self.clock():
            self.db.execute(CREATE)
            self.db.execute("begin")
        for rows in self.data.chunks():
            with self.clock():
                self.db.executemany(INSERT, rows)
        with self.clock():
            self.db.execute("commit")
            self._ask("select dolt_commit('-A', '-m', 'v0')")
        self._ask("select dolt_tag('v0')")
        return int(self._ask("select count(*) from labels")[0][0])

    def _commit(self, version: str) -> int:
        """The edits of a version on a branch of its own."""
        edits: Edits = self.data.edits(version)
        self._ask(f"select dolt_branch('{version}', 'v0')")
        self._ask(f"select dolt_checkout('{version}')")
        updates = [row[2:] + row[:2] for row in edits.updates]
        with self.clock():
            self.db.execute("begin")
            self.db.executemany(UPDATE, updates)
            self.db.executemany("delete from labels where image=? and id=?", edits.deletes)
            self.db.executemany(INSERT, edits.inserts)
            self.db.execute("commit")
            self._ask("select dolt_commit('-A', '-m', 'edit')")
        return len(updates) + len(edits.deletes) + len(edits.inserts)

    def _diff(self, old: str, new: str) -> int:
        with self.clock():
            rows = self._ask(f"select * from dolt_diff_labels('{old}', '{new}')")  # noqa: S608 - names of our own
        return len(rows)

    def diff_10(self, k: int) -> int:
        return self._diff("v0", f"tiny-{k}")

    def diff_1(self, k: int) -> int:
        return self._diff("v0", f"a-{k}")

    def diff_any(self, k: int) -> int:
        return self._diff(f"a-{k}", f"b-{k}")

    def merge(self, k: int) -> int:
        self._ask(f"select dolt_branch('merge-{k}', 'a-{k}')")
        self._ask(f"select dolt_checkout('merge-{k}')")
        with self.clock():
            self._ask(f"select dolt_merge('b-{k}')")
        return int(self._ask("select count(*) from labels")[0][0])

    def export(self, k: int) -> int:
        with self.clock():
            rows = self._ask(f"select * from dolt_at_labels('b-{k}')")  # noqa: S608 - a name of our own
        return len(rows)

    def point(self, k: int) -> int:
        images = self.data.images(POINTS)
        self._ask(f"select dolt_checkout('b-{k}')")
        found = 0
        with self.clock():
            for image in images:
                found += len(self._ask("select * from labels where image=?", (image,)))
        return found


if __name__ == "__main__":
    serve(DoltLite)
