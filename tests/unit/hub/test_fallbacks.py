"""What is answered when no view could: a database that is away is no fault of ours to be reported as one."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory
from django.views.csrf import csrf_failure

from hub.http.fallbacks import bad_request, server_error


def answered(path: str, error: Exception) -> HttpResponse:
    try:
        raise error
    except Exception:
        return server_error(RequestFactory().get(path))


@pytest.mark.parametrize("error", [OperationalError("connection refused"), InterfaceError("closed")])
def test_an_absent_database_says_when_to_come_again(error: Exception) -> None:
    page, document = answered("/alice/cells", error), answered("/api/v1/repos", error)
    assert (page.status_code, document.status_code) == (503, 503)
    assert page["Retry-After"] == document["Retry-After"]
    assert b"send it again" in page.content
    assert b'"unavailable"' in document.content


def test_a_fault_of_ours_stays_one() -> None:
    assert answered("/alice/cells", KeyError("x")).status_code == 500
    assert answered("/api/v1/repos", KeyError("x")).status_code == 500


def test_a_form_of_another_session_is_refused_in_words() -> None:
    page = csrf_failure(RequestFactory().post("/alice/cells/pull/1/merge"))
    assert page.status_code == 403
    assert b"Nothing was changed" in page.content
    assert b"<style" not in page.content, "the content security policy allows none"


def test_what_is_not_understood_is_told_in_our_frame() -> None:
    page = bad_request(RequestFactory().get("/"), ValueError())
    assert page.status_code == 400
    assert b"/static/plain.css" in page.content
