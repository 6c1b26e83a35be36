"""What is answered when no view could: problem documents below /api/, pages elsewhere."""

import sys
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from hub.http.problems import problem_response, retry_after


def for_programs(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if for_programs(request):
        return problem_response(request, 400, "bad_request", "the request could not be understood")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if for_programs(request):
        return problem_response(request, 403, "forbidden", str(exception) or "you may not do this")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if for_programs(request):
        return problem_response(request, 404, "not_found", "not found")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, **_: Any) -> HttpResponse:
    """A database that does not answer is away, as the other services are; all else is a fault of ours."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return database_away(request)
    if for_programs(request):
        return problem_response(
            request, 500, "server_error", "something went wrong here; the request id names it"
        )
    return defaults.server_error(request)


def database_away(request: HttpRequest) -> HttpResponse:
    """Said without the database: a page of the site would ask it who is signed in."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if for_programs(request):
        answer: HttpResponse = problem_response(
            request, status, "unavailable", "the database does not answer now; try again in a moment"
        )
    else:
        answer = HttpResponse(loader.get_template("503.html").render(), status=status)
    for name, value in retry_after(status).items():
        answer[name] = value
    return answer
