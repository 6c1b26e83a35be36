"""Oxen: a Parquet file as a version (wheel `oxenai`). Writing the work tree is not counted; it merges no rows."""

from __future__ import annotations

import os

import oxen
import pyarrow.parquet as pq

from tests.bench.engine.arrow import version
from tests.bench.engine.peer import Peer, serve

FILE = "labels.parquet"


class Oxen(Peer):
    name = "oxen"

    def open(self) -> None:
        os.chdir(self.root)
        self.repo = oxen.Repo(str(self.root))

    def initial(self) -> int:
        oxen.user.config_user("bench", "bench@example.org")
        self.open()
        self.repo.init()
        table = version(self.data)
        pq.write_table(table, self.root / FILE, compression="zstd")
        self._save("v0")
        return int(table.num_rows)

    def _save(self, message: str) -> None:
        with self.clock():
            self.repo.add(FILE)
            self.repo.commit(message)
            os.sync()

    def size(self) -> int:
        """What Oxen keeps, without the work tree."""
        return sum(p.lstat().st_blocks * 512 for p in (self.root / ".oxen").rglob("*") if p.is_file())

    def _commit(self, name: str) -> int:
        self.repo.checkout("main")
        self.repo.checkout(name, create=True)
        pq.write_table(version(self.data, name), self.root / FILE, compression="zstd")
        self._save(name)
        made = self.data.edits(name)
        return len(made.updates) + len(made.deletes) + len(made.inserts)

    def _diff(self, old: str, new: str) -> int:
        with self.clock():
            found = oxen.diff(
                FILE, repo_dir=str(self.root), revision_left=old, revision_right=new, keys=["image", "id"]
            )
            rows = found.tabular.data.rows()
        return len(rows)

    def diff_10(self, k: int) -> int:
        return self._diff("main", f"tiny-{k}")

    def diff_1(self, k: int) -> int:
        return self._diff("main", f"a-{k}")

    def diff_any(self, k: int) -> int:
        return self._diff(f"a-{k}", f"b-{k}")


if __name__ == "__main__":
    serve(Oxen)
