"""What every view of a pull request shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.pagination import decode_cursor, page, page_limit
from repos.api.base import RepositoryView
from reviews.access import pull_of
from reviews.models import PullRequest
from reviews.services.following import refresh

T = TypeVar("T")


class PullView(RepositoryView):
    """A pull request is reached through its repository, and is looked at as its branches are now."""

    def pull(self) -> PullRequest:
        return refresh(pull_of(self.repository(), int(self.kwargs["number"])))


def offset(request: Request) -> int:
    """`?cursor=` of a list whose cursors count rows; 0 without one."""
    found = decode_cursor(request.query_params.get("cursor"))
    if found is None:
        return 0
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 2**31:
        raise Invalid("the cursor is not one this server gave", field="cursor")
    return found


def page_of(request: Request, rows: Sequence[T], document: Callable[[T], Any]) -> Response:
    """One page of rows that are at hand and only ever grow at the end."""
    start, limit = offset(request), page_limit(request, 100)
    following = start + limit if start + limit < len(rows) else None
    return page(request, [document(row) for row in rows[start : start + limit]], following)
