"""Statistics of a revision: what is ready is answered at once, what is not is begun."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from repos.api.base import RepositoryView, at_commit, unchanged
from repos.selectors.people import people
from repos.services.statistics import VERSION, Found, statistics_of

READY = ("statistics", VERSION)


class ProgressShape(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField()


class StatisticsShape(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["ready", "running", "failed"])
    commit = serializers.CharField()
    progress = ProgressShape(allow_null=True)
    stats = serializers.DictField(allow_null=True)
    agreement = serializers.DictField(allow_null=True)
    checks = serializers.DictField(allow_null=True)
    suspects = serializers.DictField(allow_null=True)
    duplicates = serializers.DictField(
        allow_null=True, help_text="samples of equal content, and those of them in several splits"
    )


class Statistics(RepositoryView):
    @extend_schema(
        responses=StatisticsShape,
        parameters=[OpenApiParameter("ref", OpenApiTypes.STR, description="branch, tag or commit")],
    )
    def get(self, request: Request, **_: str) -> Response:
        """Classes, splits, sizes, annotators, agreement, findings of checks, suspected errors, equal contents."""
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision, *READY)) is not None:
            return same
        found = statistics_of(revision)
        if found.state != "ready":
            return Response(body(found, revision.commit_id), headers={"Cache-Control": "no-store"})
        return at_commit(request, revision, body(found, revision.commit_id), *READY)


def body(found: Found, commit: str) -> dict[str, Any]:
    result = found.result or {}
    running = (
        {"done": found.done, "total": found.total, "unit": "samples"} if found.state == "running" else None
    )
    parts = {name: result.get(name) for name in ("agreement", "checks", "suspects", "duplicates")}
    stats = result.get("stats")
    return {
        "state": found.state,
        "commit": commit,
        "progress": running,
        "stats": stats and {**stats, "annotators": _named(stats["annotators"])},
        **parts,
    }


def _named(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Annotators under the names they have now."""
    known = people(row["id"] for row in rows)
    return [{**row, "name": known[row["id"]].name} for row in rows]
