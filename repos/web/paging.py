"""Pages of query sets by `?page=`, counted only as far as one page ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from hub.http.pagination import small_number


@dataclass(frozen=True)
class Pager:
    first: int
    last: int
    previous_url: str | None
    next_url: str | None


def paged(request: HttpRequest, found: QuerySet[Any], size: int = 30) -> tuple[list[Any], Pager]:
    """The rows of the page that was asked for, and where its neighbours are."""
    number = min(small_number(request.GET.get("page", "")) or 1, 10_000)
    start = (number - 1) * size
    rows = list(found[start : start + size + 1])
    more, rows = len(rows) > size, rows[:size]

    def link(page: int) -> str:
        query = request.GET.copy()
        query["page"] = str(page)
        return f"?{query.urlencode()}"

    pager = Pager(
        first=start + 1 if rows else 0,
        last=start + len(rows),
        previous_url=link(number - 1) if number > 1 else None,
        next_url=link(number + 1) if more else None,
    )
    return rows, pager
