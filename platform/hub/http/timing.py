"""Every answer says what it cost the server, in the header that browsers show beside their own timings.

`app` is the time from the first middleware to the last, `cpu` the processor time of the thread that answered; both in
milliseconds. On a loaded machine the first tells of the load and the second of the work.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from hub.metrics import REQUESTS

HEADER = "Server-Timing"


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def count(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    """Under the view's name: what a client makes up (a method, a path) never becomes a counter of its own."""
    method = request.method if request.method in METHODS else "other"
    view = request.resolver_match.view_name if request.resolver_match else "none"
    REQUESTS.labels(method, view, f"{response.status_code // 100}xx").observe(seconds)


class ServerTimingMiddleware:
    """First of all, so that the others are counted. A streamed body is sent after the clock has stopped."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        wall, cpu = time.perf_counter(), time.thread_time()
        response = self.get_response(request)
        app, work = (time.perf_counter() - wall) * 1000, (time.thread_time() - cpu) * 1000
        count(request, response, app / 1000)
        response.headers[HEADER] = f"app;dur={app:.1f}, cpu;dur={work:.1f}"
        return response
