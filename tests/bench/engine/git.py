"""git: sorted lines of JSON in 256 files by a hash of the image. Laying out the work tree is not counted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zlib
from pathlib import Path

from tests.bench.engine.data import Row
from tests.bench.engine.peer import POINTS, Peer, serve

FILES = 256
WHO = {"GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@example.org", "GIT_COMMITTER_NAME": "b",
       "GIT_COMMITTER_EMAIL": "b@example.org", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}  # fmt: skip


def line(row: Row) -> str:
    names = ("image", "id", "class", "x", "y", "w", "h", "shape", "attributes", "annotator")
    return json.dumps(dict(zip(names, row, strict=True)), separators=(",", ":")) + "\n"


def home(image: str) -> int:
    return zlib.crc32(image.encode()) % FILES


class Git(Peer):
    name = "git"

    def _git(self, *words: str, ok: tuple[int, ...] = (0,)) -> bytes:
        made = subprocess.run(
            ["git", *words], cwd=self.tree, env=os.environ | WHO, capture_output=True, check=False
        )
        if made.returncode not in ok:
            raise RuntimeError(made.stderr.decode()[-300:])
        return made.stdout

    def open(self) -> None:
        self.tree = self.root / "tree"

    def initial(self) -> int:
        self.open()
        self.tree.mkdir()
        self._git("init", "-q", "-b", "main")
        for key, value in (("gc.auto", "0"), ("core.fsync", "all"), ("core.fsyncMethod", "fsync")):
            self._git("config", key, value)
        count = 0
        outs = [(self.tree / f"{i:02x}.jsonl").open("w") for i in range(FILES)]
        for rows in self.data.chunks():
            count += len(rows)
            for row in rows:
                outs[home(row[0])].write(line(row))
        for out in outs:
            out.close()
        with self.clock():
            self._git("add", "-A")
            self._git("commit", "-q", "-m", "v0")
        self._git("tag", "v0")
        return count

    def size(self) -> int:
        """What git keeps, without the work tree."""
        return sum(p.stat().st_blocks * 512 for p in (self.root / "tree" / ".git").rglob("*") if p.is_file())

    def _commit(self, version: str) -> int:
        edits = self.data.edits(version)
        self._git("checkout", "-q", "-f", "-B", version, "v0")
        new = {row[:2]: line(row) for row in (*edits.updates, *edits.inserts)}
        gone = set(edits.deletes)
        parts: dict[int, dict[tuple[str, int], str]] = {home(key[0]): {} for key in gone}
        for key, text in new.items():
            parts.setdefault(home(key[0]), {})[key] = text
        for number, mine in parts.items():
            _rewrite(self.tree / f"{number:02x}.jsonl", mine, gone)
        with self.clock():
            self._git("add", "-A")
            self._git("commit", "-q", "-m", version)
        return len(new) + len(gone)

    def _diff(self, old: str, new: str) -> int:
        with self.clock():
            text = self._git("diff", "-U0", "--no-color", old, new)
        keys = set()
        for found in text.split(b"\n"):
            if found[:2] in (b"+{", b"-{"):
                keys.add(found[1:].partition(b',"class"')[0])
        return len(keys)

    def diff_10(self, k: int) -> int:
        return self._diff("v0", f"tiny-{k}")

    def diff_1(self, k: int) -> int:
        return self._diff("v0", f"a-{k}")

    def diff_any(self, k: int) -> int:
        return self._diff(f"a-{k}", f"b-{k}")

    def merge(self, k: int) -> str:
        with self.clock():
            told = self._git("merge-tree", "--write-tree", f"a-{k}", f"b-{k}", ok=(0, 1))
        tree = told.split(b"\n")[0].decode()
        marks = self._git("grep", "-c", "^<<<<<<<", tree, ok=(0, 1)).split()
        return f"{sum(int(m.rpartition(b':')[2]) for m in marks)} false conflicts"

    def export(self, k: int) -> int:
        out = self.root / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        with self.clock():
            archive = self._git("archive", f"b-{k}")
            subprocess.run(["tar", "x", "-C", out], input=archive, check=True)
        found = sum(path.read_bytes().count(b"\n") for path in out.iterdir())
        shutil.rmtree(out)
        return found

    def point(self, k: int) -> int:
        """Each is a process of its own, so ten of them stand for all."""
        images, found = self.data.images(POINTS)[:10], 0
        with self.clock():
            for image in images:
                name = f"b-{k}:{home(image):02x}.jsonl"
                found += self._git("show", name).count(f'"image":"{image}"'.encode())
        self.wall, self.cpu = self.wall * POINTS / 10, self.cpu * POINTS / 10
        return found


def _key(text: str) -> tuple[str, int]:
    """(image, id) of a line, without reading all of it."""
    image, _, rest = text[10:].partition('","id":')
    return image, int(rest[: rest.index(",")])


def _rewrite(path: Path, new: dict[tuple[str, int], str], gone: set[tuple[str, int]]) -> None:
    with path.open() as file:
        lines = {_key(text): text for text in file}
    lines |= new
    path.write_text("".join(text for key, text in sorted(lines.items()) if key not in gone))


if __name__ == "__main__":
    serve(Git)
