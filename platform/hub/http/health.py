"""/health: can this process do its work? Database and store must answer; a missing cache or worker only degrades."""

import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

from hub.celery import app

log = structlog.get_logger(__name__)
PATIENCE = 2.0  # seconds for a service
WORKER_REMEMBERED = 10  # seconds that one worker's answer counts


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def cache_answers() -> None:
    cache.set("health", "1", 60)
    if cache.get("health") != "1":
        raise OSError("the cache forgot at once")


def store() -> None:
    """Any HTTP answer is a sign of life; rights are for those who use it."""
    if settings.BLOB_DIR or not settings.S3_ENDPOINT_URL:
        if not Path(settings.BLOB_DIR or settings.STATIC_ROOT.parent).is_dir():
            raise OSError("the folder of the blobs is missing")
        return
    parts = urlsplit(settings.S3_ENDPOINT_URL)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = kind(parts.netloc, timeout=PATIENCE)
    try:
        line.request("HEAD", f"{parts.path}/")
        line.getresponse()
    finally:
        line.close()


def worker() -> None:
    if cache.get("health:worker"):
        return
    if not app.control.ping(timeout=PATIENCE / 2, limit=1):
        raise OSError("no worker answers")
    cache.set("health:worker", True, WORKER_REMEMBERED)


NEEDED: dict[str, Callable[[], None]] = {"database": database, "store": store}
HELPFUL: dict[str, Callable[[], None]] = {"cache": cache_answers}
SLOW: dict[str, Callable[[], None]] = {"workers": worker}


def answers(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except (
        Exception
    ) as error:  # the edge of the process: whatever is wrong with a service, the answer is "no"
        log.warning("health_check_failed", service=name, error=str(error))
        return False
    return True


def health(request: HttpRequest) -> JsonResponse:
    """`?quick` leaves out the workers."""
    checks = {**NEEDED, **HELPFUL} if "quick" in request.GET else {**NEEDED, **HELPFUL, **SLOW}
    found = {name: answers(name, check) for name, check in checks.items()}
    well = all(found[name] for name in NEEDED)
    status = "ok" if all(found.values()) else "degraded" if well else "down"
    return JsonResponse(
        {"status": status, "checks": found},
        status=200 if well else 503,
        headers={"Cache-Control": "no-store"},
    )
