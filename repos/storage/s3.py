"""A BlobStore in a bucket of anything that speaks S3. The only module of the project that knows boto3.

Invariant: what comes out is a port's answer or a port's error, never one of the library. A conditional put is decided
by the store, so of many writers one wins. Requests are signed with SigV4, paths in path style, each with a time
limit, retried by the library with growing pauses. A store that could not be reached is left alone for a moment.
Cost: one request each, except `upload` of more than 16 MiB (one a part) and `list` (one per 1,000 keys).

A repeated request may follow one that arrived and whose answer was lost: `put_if_absent` can then answer False to the
writer that won. Keys that are put so name their content, so this does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from hub.metrics import Timed
from repos.labelstore.blobkeys import (
    MissingBlob,
    StoreUnavailable,
    WrongParts,
    check_blob_key,
    check_blob_prefix,
)
from repos.labelstore.memory import OCTETS, PIECE
from repos.labelstore.ports import BlobInfo
from repos.storage.rest import Rest
from repos.storage.s3_parts import S3Parts

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef

PART = 16 * 2**20
TRANSFER = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
ABSENT = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
NO_BLOB = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}
REFUSED_BY_CONDITION = {"412", "PreconditionFailed"}
RACED = {"409", "ConditionalRequestConflict"}
BEHIND_END = {"416", "InvalidRange"}
RACES = 5


@dataclass(frozen=True, slots=True)
class S3Options:
    """Where the bucket is. `public_url` is the address of the same store as browsers see it; `prefix` is put before
    every key."""

    endpoint_url: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    prefix: str = ""
    public_url: str = ""
    connections: int = 64


class S3Blobs:
    """Blobs below a prefix of a bucket. Safe to share between threads."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._client = _client(options, options.endpoint_url)
        public = options.public_url or options.endpoint_url
        self._public = self._client if public == options.endpoint_url else _client(options, public)
        self._bucket = options.bucket
        self._rest = Rest()

    def put(self, key: str, data: bytes, content_type: str = OCTETS) -> None:
        with self._asked("put", key):
            self._client.put_object(
                Bucket=self._bucket, Key=self._name(key), Body=data, ContentType=content_type
            )

    def put_if_absent(self, key: str, data: bytes, content_type: str = OCTETS) -> bool:
        for _ in range(RACES):
            try:
                with self._asked("put", key):
                    self._put_new(key, data, content_type)
            except StoreUnavailable as error:
                code = _code(error.__cause__) if isinstance(error.__cause__, ClientError) else ""
                if code in REFUSED_BY_CONDITION:
                    return False
                if code not in RACED:
                    raise
            else:
                return True
        raise StoreUnavailable("put", key, "other writers kept the key busy")

    def _put_new(self, key: str, data: bytes, content_type: str) -> None:
        self._client.put_object(
            Bucket=self._bucket, Key=self._name(key), Body=data, ContentType=content_type, IfNoneMatch="*"
        )

    def upload(self, key: str, file: BinaryIO, content_type: str = OCTETS) -> int:
        counted = _Counted(file)
        with self._asked("upload", key):
            self._client.upload_fileobj(
                cast("BinaryIO", counted),
                self._bucket,
                self._name(key),
                ExtraArgs={"ContentType": content_type},
                Config=TRANSFER,
            )
        return counted.size

    def get(self, key: str) -> bytes:
        with self._asked("get", key):
            return self._client.get_object(Bucket=self._bucket, Key=self._name(key))["Body"].read()

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if not length:
            if self.head(key) is None:
                raise MissingBlob(key)
            return b""
        with self._asked("get", key):
            answer = self._ranged(key, offset, length)
            return b"" if answer is None else answer["Body"].read()

    def stream(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            self.get_range(key, 0, 0)
            return iter(())
        with self._asked("get", key):
            answer = self._ranged(key, offset, length)
        return iter(()) if answer is None else _pieces(key, answer)

    def head(self, key: str) -> BlobInfo | None:
        try:
            with self._asked("head", key):
                found = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
        except MissingBlob:
            return None
        return BlobInfo(key, found["ContentLength"], found["ETag"].strip('"'), found["LastModified"])

    def delete(self, key: str) -> None:
        try:
            with self._asked("delete", key):
                self._client.delete_object(Bucket=self._bucket, Key=self._name(key))
        except MissingBlob:
            return

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        base = self._options.prefix
        with self._asked("list", prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=base + check_blob_prefix(prefix)
            )
            for page in pages:
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(base)
                    yield BlobInfo(key, found["Size"], found["ETag"].strip('"'), found["LastModified"])

    def presign_get(
        self, key: str, seconds: int, content_type: str | None = None, filename: str | None = None
    ) -> str | None:
        params: dict[str, Any] = {"Bucket": self._bucket, "Key": self._name(key)}
        if content_type is not None:
            params["ResponseContentType"] = content_type
        if filename is not None:
            params["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        return self._public.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)

    def presign_put(self, key: str, seconds: int, content_type: str, size: int) -> str | None:
        params = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "ContentType": content_type,
            "ContentLength": size,
        }
        return self._public.generate_presigned_url("put_object", Params=params, ExpiresIn=seconds)

    def parts(self) -> S3Parts:
        return S3Parts(self._client, self._public, self._bucket, self._options.prefix, self._asked)

    def _name(self, key: str) -> str:
        return self._options.prefix + check_blob_key(key)

    @contextmanager
    def _asked(self, action: str, key: str) -> Iterator[None]:
        """One question to the store, not asked while it is known to be away."""
        if self._rest.resting():
            raise StoreUnavailable(action, key, "it did not answer a moment ago")
        try:
            with _translated(action, key):
                yield
        except StoreUnavailable as error:
            if isinstance(error.__cause__, HTTPClientError):
                self._rest.begin()
            raise
        self._rest.end()

    def _ranged(self, key: str, offset: int, length: int | None) -> GetObjectOutputTypeDef | None:
        """None when the range begins behind the end."""
        last = "" if length is None else str(offset + length - 1)
        try:
            return self._client.get_object(
                Bucket=self._bucket, Key=self._name(key), Range=f"bytes={offset}-{last}"
            )
        except ClientError as error:
            if _code(error) in BEHIND_END:
                return None
            raise


class _Counted:
    """A file that counts what is read of it; not seekable, so that what is left is sent, from here on."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.size = file, 0

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.size += len(piece)
        return piece


def _client(options: S3Options, endpoint: str) -> S3Client:
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=options.connections,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",  # other stores than Amazon's do not know the newer checksums
        response_checksum_validation="when_required",
    )
    make: Callable[..., S3Client] = boto3.session.Session().client
    return make(
        "s3",
        endpoint_url=endpoint or None,
        region_name=options.region,
        aws_access_key_id=options.access_key,
        aws_secret_access_key=options.secret_key,
        config=config,
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated(action: str, key: str) -> Iterator[None]:
    try:
        with Timed(action):
            yield
    except ClientError as error:
        if _code(error) in ABSENT:
            raise MissingBlob(key) from None
        if _code(error) in NO_BLOB:
            raise WrongParts(key, _code(error)) from None
        raise StoreUnavailable(action, key, str(error)) from error
    except (BotoCoreError, Boto3Error, HTTPClientError) as error:
        raise StoreUnavailable(action, key, str(error)) from error


def _pieces(key: str, answer: GetObjectOutputTypeDef) -> Iterator[bytes]:
    body = answer["Body"]
    try:
        with _translated("get", key):
            yield from body.iter_chunks(PIECE)
    finally:
        body.close()
