"""The stores that the contract suites run over, by name. Services are those of the test stack, where it runs."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from repos.labelstore.memory import MemoryBlobs
from repos.labelstore.ports import BlobStore
from repos.storage.disk import DiskBlobs
from repos.storage.prefixed import PrefixedBlobs
from repos.storage.s3 import S3Blobs, S3Options
from tests.factories.far import Far

FAR_SECONDS = 0.005
"""The suite is about what overlaps, not about patience."""


@cache
def far() -> Far:
    """The store of the test stack, a little way off: one line for all tests of a process."""
    line = Far(os.environ["S3_ENDPOINT_URL"], FAR_SECONDS)
    line.__enter__()
    atexit.register(line.__exit__, None, None, None)
    return line


def far_options() -> S3Options:
    options = s3_options()
    return replace(options, endpoint_url=far().base)


def s3_options() -> S3Options:
    """The bucket of the test stack, below a prefix that nothing else uses."""
    if not (os.environ.get("LABELHUB_TEST_STACK") or os.environ.get("LABELHUB_CONTRACT_S3")):
        pytest.skip("needs an S3 store: run with the test stack")
    prefix = os.environ.get("S3_PREFIX", "") + f"contract-{uuid4().hex}/"
    return S3Options(
        endpoint_url=os.environ["S3_ENDPOINT_URL"],
        bucket=os.environ["S3_BUCKET"],
        access_key=os.environ["S3_ACCESS_KEY"],
        secret_key=os.environ["S3_SECRET_KEY"],
        prefix=prefix,
    )


BLOB_STORES: dict[str, Callable[[Path], BlobStore]] = {
    "memory": lambda folder: MemoryBlobs(),
    "disk": DiskBlobs,
    "prefixed": lambda folder: PrefixedBlobs(DiskBlobs(folder), "networks/n1"),
    "s3": lambda folder: S3Blobs(s3_options()),
    "far s3": lambda folder: S3Blobs(far_options()),
}
