"""Where a backup goes and how it lies there.

objects/<key as in the store>          what packs and media lie in; written once, shared by all snapshots
snapshots/<moment>/tables/<name>.gz    rows of one moment
snapshots/<moment>/objects.gz          key and size of everything these rows need, a JSON value a line
snapshots/<moment>/manifest.json       written last: a snapshot without it does not count
tombstones/<prefix>/<sha256>.json      everything that was redacted up to the newest snapshot
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from hub.errors import Invalid
from repos.labelstore.blobkeys import MissingBlob
from repos.labelstore.ports import BlobStore
from repos.storage.disk import DiskBlobs
from repos.storage.s3 import S3Blobs, S3Options

MANIFEST = "manifest.json"


class NoSuchSnapshot(Invalid):
    code = "no_such_snapshot"


def target_of(text: str) -> BlobStore:
    """A folder, or `s3://bucket/prefix` at the endpoint and with the keys of the settings."""
    if not text.startswith("s3://"):
        return DiskBlobs(Path(text))
    parts = urlsplit(text)
    prefix = parts.path.strip("/")
    return S3Blobs(
        S3Options(
            endpoint_url=settings.S3_ENDPOINT_URL,
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            region=settings.S3_REGION,
            access_key=settings.S3_ACCESS_KEY,
            secret_key=settings.S3_SECRET_KEY,
        )
    )


def object_key(key: str) -> str:
    return f"objects/{key}"


def table_key(moment: str, name: str) -> str:
    return f"snapshots/{moment}/tables/{name}.gz"


def objects_key(moment: str) -> str:
    return f"snapshots/{moment}/objects.gz"


def manifest_key(moment: str) -> str:
    return f"snapshots/{moment}/{MANIFEST}"


def moments(target: BlobStore) -> list[str]:
    """Whole snapshots, oldest first."""
    keys = (info.key for info in target.list("snapshots/"))
    return sorted(key.split("/")[1] for key in keys if key.endswith(f"/{MANIFEST}"))


def manifest(target: BlobStore, moment: str = "") -> dict[str, Any]:
    """Of a snapshot, the newest when none is named. NoSuchSnapshot when it is not there, or not whole."""
    wanted = moment or next(reversed(moments(target)), "")
    try:
        found: dict[str, Any] = json.loads(target.get(manifest_key(wanted)))
    except MissingBlob:
        raise NoSuchSnapshot(f"there is no whole snapshot {wanted or 'at all'} there") from None
    return found
