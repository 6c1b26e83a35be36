"""A disk that is full: nothing half is stored, what was there stays, and it is told as a store that is away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import resource, sys
from io import BytesIO
from pathlib import Path
from repos.labelstore.blobkeys import StoreUnavailable
from repos.labelstore.memory import MemoryPackIndex
from repos.storage.cache import NodeLru
from repos.storage.disk import DiskBlobs
from repos.storage.packed import PackedNodes

blobs = DiskBlobs(Path(sys.argv[1]))
blobs.put("kept", b"as it was")
index = MemoryPackIndex()
nodes = PackedNodes(blobs, index, NodeLru(0))
small = nodes.put(b"small")
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))  # the disk is full from here on
big = bytes(range(256)) * 1024
import os
noise = os.urandom(200_000)
for attempt in (
    lambda: blobs.put("kept", big),
    lambda: blobs.put_if_absent("new", big),
    lambda: blobs.upload("other", BytesIO(big)),
    lambda: nodes.put(noise),
):
    try:
        attempt()
    except StoreUnavailable as error:
        print("told:", error.reason)
    else:
        raise SystemExit("a write beyond the limit was not refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert blobs.get("kept") == b"as it was"
assert not list((blobs.root / "=new").iterdir()), "something half was left aside"
assert [i.key for i in blobs.list() if not i.key.startswith("packs/")] == ["kept"]
assert len([i for i in blobs.list("packs/")]) == 1, "a pack was half stored"
assert nodes.get_many([small]) == {small: b"small"}
assert nodes.get_many([nodes.put(noise)]), "it goes on when there is room again"
"""


def test_a_full_disk_leaves_nothing_by_half(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "blobs")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("told: File too large") == 4
