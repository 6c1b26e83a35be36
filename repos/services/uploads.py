"""Taking files in for an import: received whole, put under the network's prefix, kept for a day.

Invariant: an upload is seen only by who sent it, in the repository it was sent to. Objects are stored before the rows
that name them; what a crash leaves without rows is swept with the prefix. Cost: the files of one request travel as one
object (or one each above 8 MiB), so ten thousand label files are one PUT.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from hub.accounts.models import User
from repos import access
from repos.errors import BadValue, NotFound, Taken, UploadTooLarge
from repos.formats.source import safe_name
from repos.models import Repository, Role, Upload, UploadedFile
from repos.services.stores import blobs_of

LASTS = timedelta(days=1)
LARGEST = 20 * 2**30
MOST_FILES = 100_000
LONGEST_PATH = 1024
ALONE_FROM = 8 * 2**20
SPOOLED = 4 * 2**20
PIECE = 2**20


@dataclass(frozen=True)
class Given:
    """A file of a request: its relative path and its bytes, rewound."""

    path: str
    file: BinaryIO
    size: int


def begin(actor: User, repository: Repository, upload_id: UUID | None = None) -> Upload:
    """A new upload, or the actor's open one of this id: a page names it before its first file comes. Needs write."""
    access.require(actor, repository, Role.WRITE)
    made, _ = Upload.objects.get_or_create(
        pk=upload_id or uuid4(),
        defaults={"repository": repository, "user": actor, "expires_at": timezone.now() + LASTS},
    )
    if (made.repository_id, made.user_id) != (repository.pk, actor.pk) or made.expires_at <= timezone.now():
        raise NotFound("upload", str(made.pk))
    return made


def get_upload(actor: User, repository: Repository, upload_id: UUID | str) -> Upload:
    """The actor's own, in this repository, not expired; NotFound otherwise."""
    try:
        wanted = UUID(str(upload_id))
    except ValueError:
        raise NotFound("upload", str(upload_id)) from None
    mine = Upload.objects.filter(repository=repository, user=actor, expires_at__gt=timezone.now())
    found = mine.filter(pk=wanted).first()
    if found is None:
        raise NotFound("upload", str(upload_id))
    return found


def add_files(upload: Upload, given: Sequence[Given]) -> list[UploadedFile]:
    """Store files and note them. UnsafeName, UploadTooLarge, Taken when a path is there already."""
    _check(upload, given)
    rows: list[UploadedFile] = []
    together = [g for g in given if g.size < ALONE_FROM]
    groups = [[g] for g in given if g.size >= ALONE_FROM] + ([together] if together else [])
    for group in groups:
        rows += _store(upload, group)
    try:
        with transaction.atomic():
            return UploadedFile.objects.bulk_create(rows, batch_size=1000)
    except IntegrityError:
        raise Taken("file", rows[0].path) from None


def totals(upload: Upload) -> tuple[int, int]:
    """(files, bytes)."""
    found = upload.files.aggregate(files=Count("pk"), size=Sum("size"))
    return found["files"], found["size"] or 0


def _check(upload: Upload, given: Sequence[Given]) -> None:
    names = [safe_name(g.path) for g in given]
    long = next((name for name in names if len(name) > LONGEST_PATH), None)
    if long is not None:
        raise BadValue("paths", long[:80], f"a path of at most {LONGEST_PATH} characters")
    if len(set(names)) != len(names):
        raise Taken("file", next(name for name in names if names.count(name) > 1))
    there = upload.files.filter(path__in=names).values_list("path", flat=True).first()
    if there is not None:
        raise Taken("file", there)
    files, size = totals(upload)
    if files + len(given) > MOST_FILES:
        raise BadValue("files", files + len(given), f"at most {MOST_FILES} files; send them as one archive")
    if size + sum(g.size for g in given) > LARGEST:
        raise UploadTooLarge("an upload", LARGEST)


def _store(upload: Upload, group: Sequence[Given]) -> Iterable[UploadedFile]:
    """One object for the group; each file is a range of it."""
    key, at = f"imports/{upload.pk.hex}/{uuid4().hex}", 0
    rows: list[UploadedFile] = []
    with SpooledTemporaryFile(SPOOLED) as spool:
        for each in group:
            rows.append(
                UploadedFile(
                    upload=upload, path=safe_name(each.path), object_key=key, offset=at, size=each.size
                )
            )
            at += each.size
            if len(group) > 1:
                shutil.copyfileobj(each.file, spool, PIECE)
        spool.seek(0)
        file = cast(BinaryIO, spool) if len(group) > 1 else group[0].file
        stored = blobs_of(upload.repository.network).upload(key, file)
    if stored != at:
        raise BadValue("files", stored, f"{at} bytes, as was declared")
    return rows


def keep_for(upload: Upload, duration: timedelta = LASTS) -> None:
    """Not swept before so long from now: a job reads it."""
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() + duration)


def sweep(limit: int = 1000) -> int:
    """Remove expired uploads, objects first; how many. For the maintenance queue; safe to run twice."""
    gone = 0
    expired = Upload.objects.filter(expires_at__lte=timezone.now()).select_related("repository__network")
    for upload in expired[:limit]:
        store = blobs_of(upload.repository.network)
        for key in upload.files.values_list("object_key", flat=True).distinct():
            store.delete(key)
        upload.delete()
        gone += 1
    return gone
