"""Samples of a revision: pages with a filter, one of them, folders, the label schema, files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hub.errors import Invalid
from hub.http.pagination import LARGEST_PAGE, LARGEST_PAGE_OF_KEYS, decode_cursor, page, page_limit
from repos.access import Revision
from repos.annotations.render import sample_json
from repos.annotations.render_schema import schema_json
from repos.api.base import RepositoryView, at_commit, mark, unchanged, version
from repos.api.media import REF, shielded
from repos.errors import NotFound
from repos.selectors import samples as selectors
from repos.selectors.schema import schema_at
from repos.selectors.snapshots import view_of
from repos.services.redaction import of_digests

LAYERS = OpenApiParameter("layers", description="names with commas; default: all, of very many `gold`")


def layers_of(request: Request) -> Sequence[str] | None:
    given = request.query_params.get("layers")
    return None if given is None else [name for name in given.split(",") if name]


def with_redactions(revision: Revision, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A medium whose bytes were redacted says so: `state` redacted, and `redacted` with reason and time. One query."""
    media = [d["media"] for d in documents if isinstance(d.get("media"), dict) and d["media"]["sha256"]]
    digests = [bytes.fromhex(one["sha256"]) for one in media]
    found = of_digests(revision.repository.network_id, digests) if digests else {}
    for one, digest in zip(media, digests, strict=True):
        if (tombstone := found.get(digest)) is not None:
            one |= {"state": "redacted", "redacted": {"reason": tombstone.reason, "at": tombstone.at}}
    return documents


class Samples(RepositoryView):
    @extend_schema(
        operation_id="repos_samples_list",
        responses=OpenApiTypes.OBJECT,
        parameters=[
            REF,
            LAYERS,
            OpenApiParameter("prefix"),
            OpenApiParameter(
                "q", description="class:car -class:person split:train kind:box annotations:>5 key:foo*"
            ),
            OpenApiParameter("fields", enum=["key"], description="`key`: keys alone, up to 10,000 a page"),
            OpenApiParameter("cursor"),
            OpenApiParameter("limit", int),
        ],
    )
    def get(self, request: Request, **_: str) -> Response:
        """`searched` of `total` samples were looked at: a filter answers in time with what it found so far."""
        revision, given = self.revision(self.repository()), request.query_params
        if (same := unchanged(request, revision)) is not None:
            return same
        after = decode_cursor(given.get("cursor"))
        if after is not None and not isinstance(after, str):
            raise Invalid("the cursor is not one this server gave", field="cursor")
        keys_only = given.get("fields") == "key"
        found = selectors.samples_page(
            revision,
            prefix=given.get("prefix", ""),
            q=given.get("q", ""),
            after=after,
            limit=page_limit(request, largest=LARGEST_PAGE_OF_KEYS if keys_only else LARGEST_PAGE),
            layers=[] if keys_only else layers_of(request),
            records=not keys_only,
        )
        schema = view_of(revision).schema
        results: Sequence[Any] = (
            found.keys
            if keys_only
            else with_redactions(
                revision, [sample_json(item.key, item.sample, item.layers, schema) for item in found.items]
            )
        )
        response = page(request, results, found.cursor)
        response.data |= {"searched": found.searched, "total": found.total}
        return mark(response, revision, version(request, revision))


class OneSample(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[REF, LAYERS])
    def get(self, request: Request, key: str, **_: str) -> Response:
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision)) is not None:
            return same
        found = selectors.sample_detail(revision, key, layers_of(request))
        schema = view_of(revision).schema
        (document,) = with_redactions(
            revision, [sample_json(found.item.key, found.item.sample, found.item.layers, schema)]
        )
        body = {
            **document,
            "previous": found.previous,
            "next": found.next,
            "position": found.position,
            "total": found.total,
        }
        return at_commit(request, revision, body)


class Folders(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[REF, OpenApiParameter("prefix")])
    def get(self, request: Request, **_: str) -> Response:
        """Folders and samples directly below a prefix."""
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision)) is not None:
            return same
        found = selectors.folders(revision, request.query_params.get("prefix", ""), page_limit(request, 1000))
        results = [{"name": f.name.decode(), "samples": f.entries, "folder": not f.is_leaf} for f in found]
        return at_commit(request, revision, {"results": results, "next": None})


class SchemaView(RepositoryView):
    @extend_schema(responses=OpenApiTypes.OBJECT, parameters=[REF, OpenApiParameter("layer")])
    def get(self, request: Request, **_: str) -> Response:
        """The label schema; `count` of a class are its annotations in the layer, null where not counted yet."""
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision)) is not None:
            return same
        found = schema_at(revision, request.query_params.get("layer", selectors.GOLD))
        body, counts = schema_json(found.schema), found.counts.read_as(found.schema)
        for entry in body["classes"]:
            entry["count"] = None if counts is None else counts.get(bytes.fromhex(entry["id"]), 0)
        body |= {"layer": found.counts.layer, "annotations": found.counts.annotations}
        return at_commit(request, revision, body)


class Files(RepositoryView):
    @extend_schema(operation_id="repos_files_list", responses=OpenApiTypes.OBJECT, parameters=[REF])
    def get(self, request: Request, **_: str) -> Response:
        revision = self.revision(self.repository())
        if (same := unchanged(request, revision)) is not None:
            return same
        results = [{"path": path, "size": record.size} for path, record in view_of(revision).files()]
        return at_commit(request, revision, {"results": results, "next": None})


class OneFile(RepositoryView):
    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY}, parameters=[REF])
    def get(self, request: Request, path: str, **_: str) -> HttpResponseBase:
        """Bytes of a file of the repository, as text or to be saved: never run."""
        revision = self.revision(self.repository())
        data = view_of(revision).read_file(path)
        if data is None:
            raise NotFound("file", path)
        answer = shielded(
            HttpResponse(data), revision, version(request, revision), "text/plain; charset=utf-8"
        )
        if not revision.pinned:
            answer["Cache-Control"] = answer["Cache-Control"].replace(
                "max-age=31536000, immutable", "no-cache"
            )
        return answer
