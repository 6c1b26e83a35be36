"""Lists answer {"results": [...], "next": url or null}. A cursor is opaque: base64 of a small JSON value."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid

LARGEST_PAGE = 1000
LARGEST_PAGE_OF_KEYS = 10_000
"""Of answers whose items are a string each."""


class CursorPages(CursorPagination):
    """For query sets: newest first unless the view says otherwise (`ordering`)."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = LARGEST_PAGE
    ordering = "-pk"

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": "string", "format": "uri", "nullable": True},
            },
        }


def encode_cursor(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode_cursor(text: str | None) -> Any:
    """The value behind `text`, None for none; Invalid if it is not one of ours."""
    if not text:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise Invalid("the cursor is not one this server gave", field="cursor") from error


def page_limit(request: Request, default: int = 50, largest: int = LARGEST_PAGE) -> int:
    """`?limit=`, between 1 and `largest`."""
    text = request.query_params.get("limit", "")
    if not text:
        return default
    number = small_number(text)
    if number is None or not 1 <= number <= largest:
        raise Invalid(f"a limit is a number from 1 to {largest}", field="limit")
    return number


def small_number(text: str) -> int | None:
    """The number that up to nine digits 0 to 9 spell; None for anything else ("²" is a digit, too)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def page(request: Request, results: Sequence[Any], next_cursor: Any) -> Response:
    """For lists that are not query sets: `next_cursor` is any JSON value, None at the end."""
    following = None
    if next_cursor is not None:
        query = request.query_params.copy()
        query["cursor"] = encode_cursor(next_cursor)
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return Response({"results": list(results), "next": following})
