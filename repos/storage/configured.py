"""The stores that the settings name, one of each per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from redis import Redis

from hub.env import ENVIRONMENT
from repos.labelstore.ports import BlobStore, NodeCache, PackIndex
from repos.storage.cache import NodeLru, RedisNodeCache
from repos.storage.disk import DiskBlobs
from repos.storage.diskcache import DiskNodeCache
from repos.storage.packed import PackedNodes
from repos.storage.prefixed import PrefixedBlobs
from repos.storage.s3 import S3Blobs, S3Options

NODE_CACHE_BYTES = 256 * 2**20


@cache
def blob_store() -> BlobStore:
    """Every blob of this installation: S3, or a folder when BLOB_DIR is set or no endpoint is."""
    if settings.BLOB_DIR or not settings.S3_ENDPOINT_URL:
        return DiskBlobs(Path(settings.BLOB_DIR or ENVIRONMENT.data / "blobs"))
    return S3Blobs(
        S3Options(
            endpoint_url=settings.S3_ENDPOINT_URL,
            public_url=settings.S3_PUBLIC_URL,
            bucket=settings.S3_BUCKET,
            prefix=settings.S3_PREFIX,
            region=settings.S3_REGION,
            access_key=settings.S3_ACCESS_KEY,
            secret_key=settings.S3_SECRET_KEY,
        )
    )


@cache
def node_cache() -> NodeLru:
    """The nodes this process used last."""
    return NodeLru(getattr(settings, "NODE_CACHE_BYTES", NODE_CACHE_BYTES))


@cache
def second_cache() -> NodeCache | None:
    """Nodes of this machine's other processes, or of all machines: between the process and the store."""
    if settings.NODE_CACHE_URL:
        return RedisNodeCache(
            Redis.from_url(settings.NODE_CACHE_URL, socket_timeout=1, socket_connect_timeout=1)
        )
    if settings.NODE_DISK_CACHE_BYTES and isinstance(blob_store(), S3Blobs):
        return DiskNodeCache(ENVIRONMENT.data / "cache" / "nodes", settings.NODE_DISK_CACHE_BYTES)
    return None


def network_blobs(prefix: str) -> BlobStore:
    """The blobs of the network of this storage prefix: packs, media, exports."""
    return PrefixedBlobs(blob_store(), f"networks/{prefix}")


def network_nodes(prefix: str, index: PackIndex) -> PackedNodes:
    """The node store of a network."""
    return PackedNodes(network_blobs(prefix), index, node_cache(), second_cache())
