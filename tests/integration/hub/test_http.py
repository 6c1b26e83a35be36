"""What every answer has in common: problem documents, cursors, conditions, idempotency, health, headers."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DataError, transaction
from django.test import Client, RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from hub import errors
from hub.accounts.models import User
from hub.audit.models import AuditEvent
from hub.audit.services import record
from hub.http import etag, idempotency, pagination, parsers, problems

pytestmark = pytest.mark.django_db

EXAMPLES = [
    (errors.Missing(), 404),
    (errors.Refused(), 403),
    (errors.Invalid("bad box", key="a.png"), 422),
    (errors.Conflict("taken"), 409),
    (errors.Stale(), 412),
    (errors.TooLarge(what="a commit", limit="10 MB"), 413),
    (errors.Unavailable(service="the store"), 503),
    (errors.HubError(), 400),
]


@pytest.mark.parametrize(("error", "status"), EXAMPLES)
def test_every_kind_of_error_is_a_problem(error: errors.HubError, status: int) -> None:
    problem = problems.problem_of(error)
    assert problem is not None
    assert (problem["status"], problem["code"], problem["detail"]) == (status, error.code, str(error))


def test_faults_of_ours_stay_faults() -> None:
    assert problems.problem_of(RuntimeError("boom")) is None


def test_unknown_addresses_of_the_api_answer_in_its_language(client: Client) -> None:
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["request_id"] == answer["X-Request-Id"]


def test_a_request_keeps_a_sensible_id(client: Client) -> None:
    assert (
        client.get("/health?quick", headers={"X-Request-Id": "abcdef123456"})["X-Request-Id"]
        == "abcdef123456"
    )
    assert "\n" not in client.get("/health?quick", headers={"X-Request-Id": "a b<script>"})["X-Request-Id"]


def test_health(client: Client) -> None:
    answer = client.get("/health?quick")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok"), answer.json()


def test_the_policy_lets_no_script_in(client: Client) -> None:
    policy = client.get("/health?quick")["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe-eval" not in policy


def test_the_schema_and_its_page(client: Client) -> None:
    assert client.get("/api/v1/schema").status_code == 200
    assert client.get("/api/docs").status_code == 200


def test_cursors() -> None:
    assert pagination.decode_cursor(pagination.encode_cursor(["a", 3])) == ["a", 3]
    assert pagination.decode_cursor("") is None
    with pytest.raises(errors.Invalid):
        pagination.decode_cursor("@@@")
    request = Request(RequestFactory().get("/x", {"q": "a b", "cursor": "old"}))
    answer = pagination.page(request, [1], "z").data
    assert answer["next"].startswith("http://testserver/x?q=a+b&cursor=")
    assert pagination.page(request, [1], None).data == {"results": [1], "next": None}


def test_conditions() -> None:
    tag = etag.etag("rev", 1)
    assert etag.not_modified({"If-None-Match": f'W/{tag}, "x"'}, tag)
    assert not etag.not_modified({}, tag)
    etag.require_match({"If-Match": tag}, tag)
    with pytest.raises(errors.Stale):
        etag.require_match({"If-Match": '"other"'}, tag)


class Counting(APIView):
    """Counts how often the work was done."""

    done: list[Any] = []

    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        self.done.append(request.data)
        if "crash" in request.data:
            raise RuntimeError("a fault of ours")
        if "bad" in request.data:
            raise errors.Conflict("no")
        return Response({"n": len(self.done)}, status=201)


@pytest.fixture
def post(alice: User) -> Callable[..., Any]:
    Counting.done = []

    def send(data: dict[str, Any], key: str) -> Any:
        request = APIRequestFactory().post("/count", data, format="json", headers={"Idempotency-Key": key})
        force_authenticate(request, alice)
        return Counting.as_view()(request).render()

    return send


def test_the_same_key_does_the_work_once(post: Callable[..., Any]) -> None:
    first, again = post({"a": 1}, "k"), post({"a": 1}, "k")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again["Idempotent-Replay"] == "true"
    assert len(Counting.done) == 1
    assert post({"a": 2}, "k").data["code"] == "idempotency_key_reused"
    assert post({"a": 1}, "other").data == {"n": 2}


def test_refusals_are_kept_and_faults_free_the_key(post: Callable[..., Any]) -> None:
    assert [post({"bad": 1}, "k").status_code for _ in range(2)] == [409, 409]
    assert len(Counting.done) == 1
    for _ in range(2):
        with pytest.raises(RuntimeError):
            post({"crash": 1}, "c")
    assert len(Counting.done) == 3


def test_audit_events_are_never_changed(alice: User) -> None:
    from django.db import DatabaseError, transaction

    event = record(actor=alice, event="branch.deleted", subject="repo:1", details={"branch": "x"})
    for change in (lambda: AuditEvent.objects.update(event="nothing"), event.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert AuditEvent.objects.get().event == "branch.deleted"


def test_every_answer_says_what_it_cost(client: Client) -> None:
    for path in ("/health?quick", "/api/v1/nothing"):
        app, cpu = (float(part.split(";dur=")[1]) for part in client.get(path)["Server-Timing"].split(", "))
        assert 0 <= cpu <= app + 1


@pytest.mark.parametrize(
    "sent", [b'{"a": ["\\u0000"]}', b'{"\\ud83d": 1}', b'"\\udc00"', b'{"a": "x\\ud800y"}']
)
def test_json_that_no_column_keeps_is_refused_with_its_place(sent: bytes) -> None:
    with pytest.raises(errors.Invalid) as refused:
        parsers.CleanJSONParser().parse(io.BytesIO(sent))
    assert "cannot be kept" in str(refused.value)


@pytest.mark.parametrize(
    "sent", [b'{"a": "\\ud83d\\ude80"}', b'"\\\\u0000"', b'{"a": "\\\\ud800"}', '"🚀 é"'.encode()]
)
def test_json_that_only_looks_like_it_passes(sent: bytes) -> None:
    assert parsers.CleanJSONParser().parse(io.BytesIO(sent)) == json.loads(sent)


def test_values_that_the_database_refuses_are_the_sender_s() -> None:
    with pytest.raises(DataError) as refused, transaction.atomic():
        User.objects.filter(username="a\0b").exists()
    assert (problems.problem_of(refused.value) or {})["status"] == 422
    with pytest.raises(UnicodeEncodeError) as half:
        "\ud800".encode()
    assert (problems.problem_of(half.value) or {})["status"] == 422
    with pytest.raises(UnicodeEncodeError) as ours:
        "é".encode("ascii")
    assert problems.problem_of(ours.value) is None
