"""DuckDB over one Parquet file for each version: brute force, and fast at it. Making versions is not counted."""

from __future__ import annotations

import duckdb
import pyarrow.parquet as pq

from tests.bench.engine.arrow import version
from tests.bench.engine.peer import POINTS, Peer, serve

DIFF = """select * from (select *, 1 as l from '{a}') o full join (select *, 1 as r from '{b}') n using (image, id)
where o.l is null or n.r is null or (o.cls, o.x, o.y, o.w, o.h, o.shape, o.attrs, o.annotator)
is distinct from (n.cls, n.x, n.y, n.w, n.h, n.shape, n.attrs, n.annotator)"""


class DuckDb(Peer):
    name = "duckdb"

    def open(self) -> None:
        self.db = duckdb.connect()

    def _file(self, name: str | None = None) -> str:
        path = self.root / f"{name or 'v0'}.parquet"
        if not path.exists():
            pq.write_table(version(self.data, name), path, compression="zstd")
        return str(path)

    def initial(self) -> int:
        return int(pq.read_metadata(self._file()).num_rows)

    def diff_any(self, k: int) -> int:
        sql = DIFF.format(a=self._file(f"a-{k}"), b=self._file(f"b-{k}"))
        with self.clock():
            rows = self.db.execute(sql).fetchall()
        return len(rows)

    def export(self, k: int) -> int:
        name = self._file(f"b-{k}")
        with self.clock():
            rows = self.db.execute(f"select * from '{name}'").fetchall()  # noqa: S608 - a file of our own
        return len(rows)

    def point(self, k: int) -> int:
        name, found = self._file(f"b-{k}"), 0
        images = self.data.images(POINTS)[:20]
        with self.clock():
            for image in images:
                found += len(self.db.execute(f"select * from '{name}' where image=?", [image]).fetchall())  # noqa: S608
        self.wall, self.cpu = self.wall * POINTS / 20, self.cpu * POINTS / 20
        return found


if __name__ == "__main__":
    serve(DuckDb)
