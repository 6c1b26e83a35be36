"""Every error of a repository is built, printed and rendered: status, code, the places it names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.errors import HubError
from hub.http.problems import problem_of
from repos import errors

CASES: list[tuple[HubError, int, str]] = [
    (errors.NotFound("branch", "x"), 404, "not_found"),
    (errors.EmptyRepository("a/b", "main"), 404, "empty_repository"),
    (errors.Redacted("a.png", "personal data", datetime(2026, 1, 2, tzinfo=UTC)), 410, "gone"),
    (errors.RedactedBytes("ab" * 32, "personal data"), 422, "redacted"),
    (errors.SignInRequired("write access"), 403, "not_authenticated"),
    (errors.NotAllowed("write access", "read"), 403, "forbidden"),
    (errors.BadValue("name", "a b", "no spaces"), 422, "invalid"),
    (errors.AmbiguousRevision("abc", ["abc1", "abc2"]), 422, "ambiguous_revision"),
    (errors.EmptyEdit("main"), 422, "empty_edit"),
    (
        errors.EditRefused([{"key": "k", "annotation": "a", "field": "box", "reason": "w is 0"}]),
        422,
        "invalid_edit",
    ),
    (errors.DigestNotYours("ab" * 32, "k"), 422, "unknown_media"),
    (errors.DigestMismatch("ab", "cd"), 422, "digest_mismatch"),
    (errors.Taken("branch", "x"), 409, "taken"),
    (errors.RefIsPrefix("a", "a/b"), 409, "ref_is_prefix"),
    (errors.Kept("branch", "main", "it is the default branch"), 409, "kept"),
    (errors.RefMoved("main", "", "abc"), 409, "ref_moved"),
    (errors.EditConflicts("main", "a", "b", [{"key": "k"}]), 409, "edit_conflicts"),
    (errors.Diverged("main"), 409, "diverged"),
    (errors.UploadTooLarge("an upload", 5), 413, "too_large"),
    (errors.MissingParts([2, 3], 3), 422, "missing_parts"),
    (errors.UploadOver("film.mp4", "done"), 409, "upload_over"),
    (errors.TooManyUploads(20), 409, "too_many_uploads"),
    (errors.Busy("main"), 503, "busy"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=lambda v: type(v).__name__)
def test_an_error_is_a_problem_document(error: HubError, status: int, code: str) -> None:
    problem: dict[str, Any] = problem_of(error) or {}
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["detail"] == str(error)
    assert "{" not in str(error)
    assert json.loads(json.dumps(problem)) == problem


def test_no_error_is_forgotten() -> None:
    own = {c for c in vars(errors).values() if isinstance(c, type) and c.__module__ == errors.__name__}
    assert own == {type(error) for error, _, _ in CASES}


def test_a_refused_edit_names_the_place_of_its_first_fault() -> None:
    problem = problem_of(next(e for e, _, _ in CASES if isinstance(e, errors.EditRefused))) or {}
    assert (problem["key"], problem["annotation"], problem["field"]) == ("k", "a", "box")
