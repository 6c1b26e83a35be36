"""Small data sets for tests, committed through the product's own services."""

from __future__ import annotations

import hashlib
from typing import Any

from hub.accounts.models import User
from repos import access
from repos.annotations import merge as merging
from repos.annotations import snapshot as snapshots
from repos.models import CommitRecord, Ref, Repository
from repos.selectors import ranges
from repos.services import commits, landing, media
from repos.services.stores import workspace

Json = dict[str, Any]
CAR, PERSON = hashlib.sha256(b"car").digest()[:16].hex(), hashlib.sha256(b"person").digest()[:16].hex()
SCHEMA: Json = {
    "classes": [{"id": CAR, "name": "car"}, {"id": PERSON, "name": "person"}],
    "attributes": [{"name": "occluded", "type": "boolean"}],
    "fields": [{"name": "split", "type": "string"}],
}


def put_schema(schema: Json | None = None) -> Json:
    return {"op": "put_schema", "schema": schema or SCHEMA}


def put_sample(key: str, **more: Any) -> Json:
    return {
        "op": "put_sample",
        "key": key,
        **({"text": f"text of {key}"} if "media" not in more else {}),
        **more,
    }


def box_id(n: int) -> str:
    return hashlib.sha256(f"box {n}".encode()).digest()[:16].hex()


def put_box(key: str, n: int, x: float = 10, name: str = "car", layer: str = "gold", **more: Any) -> Json:
    annotation = {
        "id": box_id(n),
        "kind": "box",
        "class": name,
        "geometry": {"box": {"x": x, "y": 5, "w": 20, "h": 10}},
    }
    return {"op": "put_annotation", "key": key, "layer": layer, "annotation": {**annotation, **more}}


def delete_box(key: str, n: int, layer: str = "gold") -> Json:
    return {"op": "delete_annotation", "key": key, "layer": layer, "id": box_id(n)}


def head(repository: Repository, branch: str = "main") -> str | None:
    found = Ref.objects.filter(repository=repository, name=f"refs/heads/{branch}").first()
    return found.commit_id if found else None


def commit(
    repository: Repository,
    *operations: Json,
    actor: User | None = None,
    branch: str = "main",
    message: str = "Edit",
) -> CommitRecord:
    """Commit on the present head, as the owner."""
    landed = commits.commit_operations(
        actor or repository.owner,
        repository,
        branch=branch,
        expected_head=head(repository, branch),
        operations=operations,
        message=message,
    )
    return landed.commit


def streets(repository: Repository, samples: int = 6) -> CommitRecord:
    """`train/0000.jpg` ...: text samples; every one has a car, every second a person, the last ones are in `val/`."""
    operations = [put_schema(), {"op": "put_file", "path": "README.md", "text": "# Streets\n"}]
    for n in range(samples):
        split = "val" if n >= samples * 2 // 3 else "train"
        key = f"{split}/{n:04d}.jpg"
        operations += [put_sample(key, fields={"split": split}), put_box(key, 2 * n)]
        if n % 2:
            operations.append(put_box(key, 2 * n + 1, x=50, name="person"))
    return commit(repository, *operations, message="First labels\n\nImported by hand.")


def upload(repository: Repository, data: bytes, actor: User | None = None, media_type: str = "") -> str:
    """Digest of bytes that the actor (the owner) uploaded."""
    blob = media.upload(actor or repository.owner, repository, [data], media_type=media_type)
    return bytes(blob.sha256).hex()


def merge(repository: Repository, target: str, source: str) -> CommitRecord:
    """A merge commit of two branches that do not conflict."""
    ours, theirs = (access.resolve_revision(repository, name) for name in (target, source))
    base = ranges.merge_base(repository, ours, theirs)
    work = workspace(repository.network)
    a, b, c = (snapshots.load(work.nodes, bytes(one.snapshot)) for one in (base, ours.commit, theirs.commit))
    merged = merging.merge(work.nodes, a, b, c)
    if merged.conflicts:
        raise ValueError(merged.conflicts)
    who = landing.identity(repository.owner)
    draft = landing.Draft(
        work, merged.snapshot, merged.changes, [ours.commit, theirs.commit], "Merge", who, who
    )
    return landing.land(repository.owner, repository, f"refs/heads/{target}", ours.commit_id, draft).commit
