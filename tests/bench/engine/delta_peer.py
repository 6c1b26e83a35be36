"""Delta Lake with its change feed (wheel `deltalake`): one line of versions, no branches, so no merge of two."""

from __future__ import annotations

import os

import deltalake
import pyarrow as pa

from tests.bench.engine.arrow import rows_of, table_of
from tests.bench.engine.peer import Peer, serve

FEED = {"delta.enableChangeDataFeed": "true"}


class Delta(Peer):
    name = "delta"

    def open(self) -> None:
        self.table = deltalake.DeltaTable(str(self.root))
        self.version_of: dict[str, int] = {}

    def initial(self) -> int:
        tables = []
        for rows in self.data.chunks():
            with self.clock():
                tables.append(table_of(rows))
        with self.clock():
            deltalake.write_deltalake(str(self.root), pa.concat_tables(tables), configuration=FEED)
            os.sync()
        return sum(len(t) for t in tables)

    def _commit(self, name: str) -> int:
        made = self.data.edits(name)
        new = [*made.updates, *made.inserts]
        columns = {field: f"s.{field}" for field in table_of([]).column_names}
        with self.clock():
            changes = table_of(new).append_column("gone", pa.array([False] * len(new)))
            blank = [(*key, None, None, None, None, None, None, None, None) for key in made.deletes]
            if blank:
                gone = table_of(blank).append_column("gone", pa.array([True] * len(blank)))  # type: ignore[arg-type]
                changes = pa.concat_tables([changes, gone])
            merge = self.table.merge(
                changes, "t.image = s.image and t.id = s.id", source_alias="s", target_alias="t"
            )
            merge = merge.when_matched_delete("s.gone").when_matched_update(columns)
            merge.when_not_matched_insert(columns).execute()
            os.sync()
        self.version_of[name] = self.table.version()
        return len(new) + len(made.deletes)

    def _feed(self, name: str) -> int:
        """The feed of one commit: old and new of an update are two rows, which count as one."""
        at = self.version_of[name]
        with self.clock():
            rows = rows_of(pa.table(self.table.load_cdf(starting_version=at, ending_version=at).read_all()))
        return sum(1 for row in rows if "update_postimage" not in row)

    def diff_10(self, k: int) -> int:
        return self._feed(f"tiny-{k}")

    def diff_1(self, k: int) -> int:
        return self._feed(f"a-{k}")

    def export(self, k: int) -> int:
        with self.clock():
            rows = rows_of(deltalake.DeltaTable(str(self.root), version=0).to_pyarrow_table())
        return len(rows)


if __name__ == "__main__":
    serve(Delta)
