"""One upload in parts begun, finished, and cleared away by several at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from repos.models import Blob, Repository, UploadSession
from repos.services import direct_uploads, upload_checks
from repos.services.stores import blobs_of
from repos.upkeep import gc
from tests.factories import repos as make
from tests.factories.sending import LEAST, announced, film, put
from tests.integration.repos.test_two_at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)
FILM = film(LEAST + 10)


@pytest.fixture
def repository(settings: Any) -> Repository:
    settings.MEDIA_PART_BYTES = LEAST
    return make.repository()


def begin(repository: Repository) -> UploadSession:
    return direct_uploads.begin(repository.owner, repository, **announced(FILM))[0]


def sent(repository: Repository) -> UploadSession:
    session = begin(repository)
    page, _ = direct_uploads.part_page(repository.owner, repository, session.pk, limit=9)
    for part in page:
        assert put(part.url, FILM[part.offset : part.offset + part.size]) == 200
    return session


def test_one_announcement_many_times_is_one_upload(repository: Repository) -> None:
    found = at_once([lambda: begin(repository)] * 4)
    sessions = {one.pk for one in found if isinstance(one, UploadSession)}
    assert len(sessions) == 1, found
    parts = blobs_of(repository.network).parts()
    assert parts is not None
    [left] = parts.unfinished()
    assert left.upload == UploadSession.objects.get().parts_id


def test_many_finishes_join_the_parts_once_and_many_workers_take_it_once(repository: Repository) -> None:
    session = sent(repository)
    found = at_once([lambda: direct_uploads.finish(repository.owner, repository, session.pk)] * 4)
    assert [one[0].state for one in found if isinstance(one, tuple)] == ["checking"] * 4
    at_once([lambda: upload_checks.check(session.pk)] * 4)
    assert UploadSession.objects.get().state == "done"
    assert blobs_of(repository.network).get(Blob.objects.get().object_key) == FILM


def test_what_is_taken_while_its_time_runs_out_is_whole_or_gone(repository: Repository) -> None:
    for _ in range(5):
        session = sent(repository)
        direct_uploads.finish(repository.owner, repository, session.pk)
        UploadSession.objects.update(expires_at=timezone.now() + timedelta(milliseconds=50))
        works: list[Callable[[], object]] = [
            partial(upload_checks.check, session.pk),
            partial(gc.collect_expired, repository.network),
        ]
        at_once(works)
        gc.collect_expired(repository.network)
        for blob in Blob.objects.all():
            assert blobs_of(repository.network).get(blob.object_key) == FILM
        keys = [info.key for info in blobs_of(repository.network).list("blobs/")]
        left = UploadSession.objects.values_list("object_key", flat=True)
        assert set(keys) <= {*Blob.objects.values_list("object_key", flat=True), *left}
