"""RFC 9457 problem documents: {"type", "title", "status", "detail", "code", ...}.

The one table from kinds of errors to HTTP statuses. Errors of the pure core are named by their class unless they say
themselves that a store is away or damaged; one that nobody translated is a value somebody sent, hence 422.
"""

import re
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from hub.errors import HubError, Unavailable

log = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"

STATUS: dict[str, int] = {
    "not_found": 404,
    "gone": 410,
    "forbidden": 403,
    "invalid": 422,
    "conflict": 409,
    "stale": 412,
    "too_large": 413,
    "unavailable": 503,
    "error": 400,
}
STORE_AWAY = "StoreUnavailable"  # of the pure core: its sentence names addresses that are nobody's business
RETRY_AFTER = 10  # seconds, when a service is away
PLACES = ("key", "annotation", "field")


def status_of(error: HubError) -> int:
    """The status of the nearest kind in the table: a subclass may have a code of its own."""
    for kind in type(error).__mro__:
        status = STATUS.get(vars(kind).get("code", ""))
        if status is not None:
            return status
    return HTTPStatus.BAD_REQUEST


def document(status: int, code: str, detail: str, **more: Any) -> dict[str, Any]:
    extra = {name: value for name, value in more.items() if value is not None}
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
        **extra,
    }


def places(data: dict[str, Any]) -> dict[str, str]:
    return {name: str(data[name]) for name in PLACES if data.get(name) is not None}


def of_hub_error(error: HubError) -> dict[str, Any]:
    more = {
        name: value
        for name, value in error.data.items()
        if isinstance(value, str | int | float | list | dict)
    }
    more.pop("message", None)
    return document(status_of(error), error.code, str(error), **{**more, **places(error.data)})


def of_api_exception(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        field, text = first_fault(error.detail)
        return document(422, "invalid", text, field=field or None, errors=error.detail)
    code = error.get_codes()
    return document(error.status_code, code if isinstance(code, str) else "error", str(error.detail))


def first_fault(detail: Any, path: str = "") -> tuple[str, str]:
    """The first of nested validation messages, with the dotted path to its field."""
    if isinstance(detail, dict) and detail:
        name, inner = next((item for item in detail.items() if item[1]), next(iter(detail.items())))
        return first_fault(inner, path if name == "non_field_errors" else f"{path}.{name}".lstrip("."))
    if isinstance(detail, list) and detail:
        return first_fault(next((item for item in detail if item), detail[0]), path)
    return path, str(detail)


def of_core_error(error: Exception) -> dict[str, Any] | None:
    """An error of the pure core, recognised by its shape (a sentence over data), or None."""
    data = getattr(error, "data", None)
    if not isinstance(data, dict) or not hasattr(type(error), "template"):
        return None
    if type(error).__name__ == STORE_AWAY:
        log.warning("the object store is away", error=str(error))
        return of_hub_error(Unavailable(service="the object store"))
    if getattr(error, "code", None) == "damaged":
        return None  # ours to mend, nothing that was sent
    code = getattr(error, "code", None) or re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    return document(STATUS.get(code, 422), code, str(error), **places(data))


def problem_of(error: Exception) -> dict[str, Any] | None:
    """The document for `error`, or None if it is a fault of ours and has to be seen as one."""
    if isinstance(error, HubError):
        return of_hub_error(error)
    if isinstance(error, Http404):
        return document(404, "not_found", "not found")
    if isinstance(error, PermissionDenied):
        return document(403, "forbidden", str(error) or "you may not do this")
    if isinstance(error, ValidationError):
        return document(422, "invalid", "; ".join(error.messages))
    if isinstance(error, exceptions.APIException):
        return of_api_exception(error)
    return of_unfit_value(error) or of_core_error(error)


def of_unfit_value(error: Exception) -> dict[str, Any] | None:
    """A value somebody sent that no column keeps: a NUL, half a character, too long, out of range. Whoever takes text
    says so better and earlier; this is the net below them all."""
    half = isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"
    if not half and not isinstance(error, DataError):
        return None
    log.warning("a value cannot be kept", error=str(error))
    return document(
        422, "invalid", "a value cannot be kept: it is too long, out of range, or holds no valid text"
    )


def retry_after(status: int) -> dict[str, str]:
    """The headers of an answer of this status that say when to come again."""
    return {"Retry-After": str(RETRY_AFTER)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook."""
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    headers = retry_after(problem["status"])
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))  # type: ignore[attr-defined]
    return Response(problem, status=problem["status"], headers=headers, content_type=CONTENT_TYPE)


def problem_response(request: HttpRequest, status: int, code: str, detail: str) -> JsonResponse:
    """For what fails outside DRF: unknown addresses below /api/, and errors of ours."""
    return JsonResponse(document(status, code, detail), status=status, content_type=CONTENT_TYPE)
