"""/metrics: for whoever watches the installation. Route names and counts only, no data and no people."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST

from hub.metrics import exposition


def metrics(request: HttpRequest) -> HttpResponse:
    """With METRICS_TOKEN as a bearer token, or for a signed-in superuser; to all others there is no such page."""
    if not (_knows_the_token(request) or getattr(request.user, "is_superuser", False)):
        raise Http404
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _knows_the_token(request: HttpRequest) -> bool:
    wanted, given = settings.METRICS_TOKEN, request.headers.get("Authorization", "")
    return bool(wanted) and constant_time_compare(given, f"Bearer {wanted}")
