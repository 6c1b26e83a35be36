"""Comparisons: the summary as it becomes ready, the changed samples page by page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.pagination import decode_cursor, page, page_limit
from repos.access import Revision
from repos.annotations.difference import Difference
from repos.annotations.facets import Facet
from repos.annotations.semantic import SampleFacet
from repos.api.base import RepositoryView, mark, unchanged, version
from repos.documents import sample_change_document
from repos.models import CommitRecord, Network
from repos.selectors import compare
from repos.selectors.ranges import parse_range

KINDS = sorted({*map(str, Facet), *map(str, SampleFacet)})
CHANGE_PARAMETERS = [
    OpenApiParameter("cursor"),
    OpenApiParameter("limit", int),
    OpenApiParameter("kind", enum=KINDS, description="a facet that one of the changes has"),
    OpenApiParameter("class", description="a class on either side"),
    OpenApiParameter("key", description="one sample"),
]


def summary_document(network: Network, a: CommitRecord, b: CommitRecord) -> dict[str, Any]:
    """`state`: ready, running, failed; `summary` once it is ready (docs/design/JSON.md), `progress` until then."""
    found = compare.summary(network, a, b)
    state = compare.summary_state(found)
    progress = {"done": found.done, "total": found.total} if state == "running" else None
    return {"state": state, "summary": found.result if state == "ready" else None, "progress": progress}


def changes_response(request: Request, revision: Revision, a: CommitRecord, b: CommitRecord) -> Response:
    """One page of changed samples from `a` to `b`; `revision` says who may keep the answer, and how long."""
    wanted = filter_of(request)
    after = decode_cursor(request.query_params.get("cursor"))
    if after is not None and not isinstance(after, str):
        raise Invalid("the cursor is not one this server gave", field="cursor")
    if (same := unchanged(request, revision, a.commit_id)) is not None:
        return same
    found = compare.difference(revision.repository.network, a, b)
    shown = compare.changes_page(found, wanted, after, page_limit(request, 30), (a, b))
    response = changes_document(request, found, shown)
    return mark(response, revision, version(request, revision, a.commit_id))


def changes_document(request: Request, found: Difference, shown: compare.ChangesPage) -> Response:
    """`searched`: how far a search came that ran out of time, in labels and samples of both sides to look at."""
    response = page(request, [sample_change_document(c, found.schemas) for c in shown.changes], shown.cursor)
    if shown.searched is not None:
        response.data["searched"] = {"done": shown.searched.done, "total": shown.searched.total}
    return response


def filter_of(request: Request) -> compare.Filter:
    given = request.query_params
    kind = given.get("kind", "")
    if kind and kind not in KINDS:
        raise Invalid(f"a kind is one of {', '.join(KINDS)}", field="kind")
    return compare.Filter(kind, given.get("class", ""), given.get("key", ""))


class Compare(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, spec: str, **_: str) -> Response:
        """`a...b` from the merge base, `a..b` directly; a side may be `owner:branch`."""
        repository = self.repository()
        found = parse_range(request.user, repository, spec)
        ahead, behind = found.ahead_behind()
        body = {
            "base": found.base.commit_id,
            "a": found.a.commit_id,
            "b": found.b.commit_id,
            "ahead": ahead,
            "behind": behind,
            **summary_document(repository.network, found.base, found.b.commit),
        }
        return Response(body)


class CompareChanges(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=CHANGE_PARAMETERS)
    def get(self, request: Request, spec: str, **_: str) -> Response:
        repository = self.repository()
        found = parse_range(request.user, repository, spec)
        private = next((side for side in (found.a, found.b) if side.repository.is_private), None)
        kept_as = private.repository if private else repository
        strictest = Revision(kept_as, found.b.commit, found.b.ref or found.a.ref)
        return changes_response(request, strictest, found.base, found.b.commit)
