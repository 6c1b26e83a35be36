"""What is answered when no view could: problem documents below /api/, pages elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from hub.http.problems import problem_response


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
    if for_programs(request):
        return problem_response(
            request, 500, "server_error", "something went wrong here; the request id names it"
        )
    return defaults.server_error(request)
