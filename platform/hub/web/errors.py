"""What a person sees when a service refuses: a page for what is missing, a message beside the form for the rest."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from hub.http.problems import problem_of, retry_after

TITLES = {
    400: "That did not work",
    403: "You may not do this",
    404: "Nothing here",
    409: "That does not fit any more",
    410: "Removed for good",
    412: "It has changed meanwhile",
    413: "Too large",
    422: "That cannot be accepted",
    503: "A part of LabelHub is away",
}


class ErrorPages:
    """Middleware: errors that say what is wrong become pages; faults of ours go on to the server error page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        problem = problem_of(error)
        if problem is None:
            return None
        status, detail = int(problem["status"]), str(problem["detail"])
        if status in (401, 403) and not request.user.is_authenticated:
            return redirect_to_login(
                came_from(request) if request.method == "POST" else request.get_full_path()
            )
        if request.method == "POST" and status in (400, 409, 412, 413, 422):
            messages.error(request, detail)
            return HttpResponseRedirect(came_from(request))
        return error_page(request, status, detail)


def error_page(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    context = {
        "status": status,
        "heading": TITLES.get(status, TITLES[400]),
        "detail": detail,
        "again": written(request) if status == HTTPStatus.SERVICE_UNAVAILABLE else [],
    }
    page = render(request, "error.html", context, status=status)
    for name, value in retry_after(status).items():
        page.headers[name] = value
    return page


def written(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form sent, to be sent again from the error page: nobody types a comment twice. Never a secret."""
    if request.method != "POST":
        return []
    names = [name for name in request.POST if name != "csrfmiddlewaretoken" and "password" not in name]
    return [(name, value) for name in names for value in request.POST.getlist(name)]


def came_from(request: HttpRequest) -> str:
    """Path of the page that sent the form, if it is one of ours; else the site's first page."""
    parts = urlsplit(request.headers.get("Referer", ""))
    if parts.netloc != request.get_host():
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
