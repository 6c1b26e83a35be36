"""Uploads in parts, in a bucket of anything that speaks S3.

Invariant: a URL takes one part of one upload and of one size: the length is signed with it. Nothing is at the key
before the upload is finished. Cost: one request each, `sent` and `unfinished` one for each thousand.

What stores do: S3 and SeaweedFS refuse parts below 5 MiB, but for the last, when the upload is finished, and parts for
an upload that is over. SeaweedFS lists a part as often as it was sent, in any order, with times in whole seconds, and
a page may end in the midst of one; which of two sendings within a second counts is open. It answers a finish that is
repeated with success, whatever parts it names; the blob stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from repos.labelstore.blobkeys import MissingBlob, check_blob_key, check_blob_prefix
from repos.labelstore.memory import OCTETS
from repos.labelstore.ports import StoredPart, Unfinished

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import PartTypeDef

PAGE = 1000
Asked = Callable[[str, str], AbstractContextManager[None]]


class S3Parts:
    """`public` signs for the address that others see; `asked(action, key)` surrounds each request."""

    def __init__(self, client: S3Client, public: S3Client, bucket: str, prefix: str, asked: Asked) -> None:
        self._client, self._public, self._bucket = client, public, bucket
        self._prefix, self._asked = prefix, asked

    def begin(self, key: str, content_type: str = OCTETS) -> str:
        with self._asked("begin upload", key):
            made = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._name(key), ContentType=content_type
            )
        return made["UploadId"]

    def presign(self, key: str, upload: str, number: int, seconds: int, size: int) -> str:
        params = {**self._of(key, upload), "PartNumber": number, "ContentLength": size}
        return self._public.generate_presigned_url("upload_part", Params=params, ExpiresIn=seconds)

    def sent(self, key: str, upload: str, after: int = 0, most: int = PAGE) -> list[StoredPart]:
        parts: list[StoredPart] = []
        more = True
        while more and len(parts) < most:
            with self._asked("list parts", key):
                answer = self._client.list_parts(
                    **self._of(key, upload), PartNumberMarker=after, MaxParts=PAGE
                )
            found, more = newest(answer.get("Parts", [])), answer["IsTruncated"]
            if more and len(found) > 1:
                found.pop()  # the page may have ended between two sendings of it
            parts += found
            after = parts[-1].number if parts else after
        return parts

    def finish(self, key: str, upload: str, parts: Sequence[StoredPart]) -> None:
        named: Any = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        with self._asked("finish upload", key):
            self._client.complete_multipart_upload(**self._of(key, upload), MultipartUpload={"Parts": named})

    def abort(self, key: str, upload: str) -> None:
        try:
            with self._asked("abort upload", key):
                self._client.abort_multipart_upload(**self._of(key, upload))
        except MissingBlob:
            return

    def unfinished(self, prefix: str = "") -> Iterator[Unfinished]:
        with self._asked("list uploads", prefix):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix + check_blob_prefix(prefix)
            )
            for page in pages:
                for found in page.get("Uploads", []):
                    key = found["Key"].removeprefix(self._prefix)
                    yield Unfinished(key, found["UploadId"], found["Initiated"])

    def _of(self, key: str, upload: str) -> Any:
        return {"Bucket": self._bucket, "Key": self._name(key), "UploadId": upload}

    def _name(self, key: str) -> str:
        return self._prefix + check_blob_key(key)


def newest(listed: Iterable[PartTypeDef]) -> list[StoredPart]:
    """Of each number what was sent last, by number."""
    last: dict[int, PartTypeDef] = {}
    for part in listed:
        known = last.setdefault(part["PartNumber"], part)
        if known["LastModified"] < part["LastModified"]:
            last[part["PartNumber"]] = part
    return [StoredPart(number, last[number]["Size"], last[number]["ETag"]) for number in sorted(last)]
