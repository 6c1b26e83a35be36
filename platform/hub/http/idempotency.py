"""Idempotency-Key on writes: the same key and request give the same answer, and the work is done once.

A decorator for the write methods of DRF views. The key is reserved before the work in a transaction of its own, so
that two requests at once cannot both do it: the second is told to come back (409). A failure of ours frees the key;
an answer, also a refusal, is kept for a day. A reservation left by a killed process is freed after ten minutes.
A view with a `door` is asked by it before an earlier answer is given again: what somebody may no longer see is not
told to them a second time.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Conflict, Invalid
from hub.http.models import IdempotentAnswer

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
ABANDONED = timedelta(minutes=10)
LONGEST_KEY = 200


class KeyReused(Conflict):
    code = "idempotency_key_reused"


class KeyInProgress(Conflict):
    code = "idempotency_key_in_progress"


View = Callable[..., Response]


def idempotent(method: View) -> View:
    """Honour the header on this view method; without the header nothing changes."""

    @wraps(method)
    def wrapped(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER, "")
        if not key or not request.user.is_authenticated:
            return method(view, request, *args, **kwargs)
        if len(key) > LONGEST_KEY:
            raise Invalid(f"an {HEADER} has at most {LONGEST_KEY} characters")
        earlier, reserved = reserve(request, request.user.pk, key)
        if earlier is not None:
            if (door := getattr(view, "door", None)) is not None:
                door()
            return replay(request, earlier)
        try:
            response = method(view, request, *args, **kwargs)
        except Exception as error:
            response = refusal(view, error, reserved)
        return keep(view, request, reserved, response)

    return wrapped


def digest(request: Request) -> str:
    """Of method, address and body; an upload is known by its size, its files being streams."""
    summary = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if (request.content_type or "").startswith("multipart/"):
        summary.update(request.headers.get("Content-Length", "").encode())
    else:
        summary.update(request.body)
    return summary.hexdigest()


def reserve(request: Request, user: Any, key: str) -> tuple[IdempotentAnswer | None, int]:
    """An earlier answer, or the number of a reservation that is now ours."""
    wanted = digest(request)
    now = timezone.now()
    mine = IdempotentAnswer.objects.filter(user_id=user, key=key)
    mine.filter(created_at__lt=now - KEPT).delete()
    mine.filter(status__isnull=True, created_at__lt=now - ABANDONED).delete()
    try:
        with transaction.atomic():
            made = IdempotentAnswer.objects.create(user_id=user, key=key, request_digest=wanted)
        return None, made.pk
    except IntegrityError:
        earlier = mine.get()
    if earlier.request_digest != wanted:
        raise KeyReused("this key belongs to another request")
    if earlier.status is None:
        raise KeyInProgress("the first request with this key is still being worked on")
    return earlier, earlier.pk


def refusal(view: Any, error: Exception, reserved: int) -> Response:
    """The answer that a refused request keeps; faults of ours free the key and travel on."""
    response: Response | None = view.get_exception_handler()(error, view.get_exception_handler_context())
    if response is None or response.status_code >= 500:
        IdempotentAnswer.objects.filter(pk=reserved).delete()
        raise error
    return response


def keep(view: Any, request: Request, reserved: int, response: Response) -> Response:
    finished = view.finalize_response(request, response)
    finished.render()
    IdempotentAnswer.objects.filter(pk=reserved).update(
        status=finished.status_code,
        body=finished.content,
        content_type=finished.headers.get("Content-Type", ""),
    )
    return response


class Verbatim(BaseRenderer):
    """Bytes of an earlier answer, given again."""

    media_type = "*/*"
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return bytes(data)


def replay(request: Request, earlier: IdempotentAnswer) -> Response:
    """DRF takes the renderer from the request, so the stored bytes travel through one that leaves them alone."""
    request.accepted_renderer = Verbatim()
    return Response(
        earlier.body,
        status=earlier.status,
        content_type=earlier.content_type,
        headers={"Idempotent-Replay": "true"},
    )


def forget_old_answers() -> int:
    """For the maintenance queue: how many were removed."""
    return IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
