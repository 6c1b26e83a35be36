"""The home of a repository: gallery, folders, filter, card; and the same at any branch, tag or commit."""

from __future__ import annotations

from collections.abc import Container
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.errors import HubError
from hub.web.markdown import render as markdown
from repos import access
from repos.access import Revision
from repos.annotations.model import MediaState
from repos.annotations.snapshot import SnapshotView
from repos.errors import EmptyRepository, NotFound
from repos.labelstore.blobkeys import StoreUnavailable
from repos.labelstore.errors import LabelStoreError
from repos.models import Ref, Repository, Role
from repos.selectors import media as media_at
from repos.selectors import samples as selectors
from repos.selectors.people import layer_titles
from repos.selectors.samples import GOLD, SampleItem
from repos.selectors.snapshots import view_of
from repos.web.commits import commit_bar
from repos.web.drawing import Palette, Thumb, thumb
from repos.web.frames import context, ref_menu

PAGE = 24
FOLDERS = 200
CARD = "README.md"


@require_safe
def home(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    try:
        revision = access.resolve_revision(repository, "")
    except EmptyRepository:
        return render(request, "repos/empty.html", context(request.user, repository, "data"))
    return _page(request, repository, revision, "")


@require_safe
def tree(request: HttpRequest, owner: str, name: str, path: str) -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    revision, folder = access.split_ref_and_key(repository, path)
    prefix = f"{folder}/" if folder else ""
    return _page(request, repository, revision, prefix)


def _page(request: HttpRequest, repository: Repository, revision: Revision, prefix: str) -> HttpResponse:
    view = view_of(revision)
    frame = context(request.user, repository, "data", revision.text)
    frame |= gallery(request, repository, revision, view, prefix)
    frame |= {
        "commit": commit_bar(repository, revision.commit),
        "commits_url": f"/{repository}/commits/{revision.text}",
        "stats_url": f"/{repository}/stats-side/{revision.commit_id}",
        "refs": ref_menu(repository, revision, f"/{repository}/tree/{{ref}}"),
        "branch_count": repository.refs.filter(kind=Ref.Kind.BRANCH).count(),
        "tag_count": repository.refs.filter(kind=Ref.Kind.TAG).count(),
        "card": None if prefix else card(view),
        "at_home": not prefix,
        "may_import": frame["repo"].role >= Role.WRITE and revision.ref is not None,
    }
    return render(request, "repos/home.html", frame)


def gallery(
    request: HttpRequest, repository: Repository, revision: Revision, view: SnapshotView, prefix: str
) -> dict[str, Any]:
    """One page of samples with their folders; a filter that cannot be understood is shown beside its box."""
    q, after = request.GET.get("q", "").strip(), request.GET.get("after") or None
    here = f"/{repository}/tree/{revision.text}" + (f"/{quote(prefix.rstrip('/'))}" if prefix else "")
    layer = request.GET.get("layer", "") or (GOLD if GOLD in view.layer_names else "")
    error, titles = "", layer_titles(view.layer_names)
    try:
        page = selectors.samples_page(revision, prefix=prefix, q=q, after=after, limit=PAGE)
    except StoreUnavailable:
        raise  # nothing that is wrong with the filter
    except (LabelStoreError, HubError) as problem:
        error, page = str(problem), selectors.SamplesPage([], None, 0, view.count())
    kept = {name: value for name, value in (("q", q), ("layer", request.GET.get("layer", ""))) if value}
    palette = Palette.of(view.schema)
    gone = media_at.redactions(revision, (item.sample.media for item in page.items))
    return {
        "q": q,
        "filter_error": error,
        "thumbs": [card_of(repository, revision, item, palette, layer, gone) for item in page.items],
        "folders": _folders(view, prefix, here) if not q and after is None else [],
        "crumbs": _crumbs(repository, revision, prefix),
        "prefix": prefix,
        "here": here,
        "searched": page.searched,
        "total": page.total,
        "next_url": f"{here}?{urlencode({**kept, 'after': page.cursor})}" if page.cursor else None,
        "first_url": f"{here}?{urlencode(kept)}" if after else None,
        "layers": titles,
        "layer_list": list(titles.values()),
        "layer_title": titles.get(layer, layer),
        "layer": layer,
        "classes": [{"name": c.name, "color": palette.by_id[c.id]} for c in view.schema.classes if c.live][
            :12
        ],
        "annotation_count": view.annotation_count(GOLD),
    }


def card_of(
    repository: Repository,
    revision: Revision,
    item: SampleItem,
    palette: Palette,
    layer: str,
    gone: Container[bytes] = (),
) -> Thumb:
    """The thumbnail of one sample, with the labels of one layer; of all when no layer is called gold. `gone`: digests
    of redacted media, which have none."""
    entries = [item.layers[layer]] if layer in item.layers else [] if layer else list(item.layers.values())
    annotations = [annotation for entry in entries for annotation in entry]
    url = f"/{repository}/sample/{revision.text}/{quote(item.key)}"
    small = thumbnail_url(repository, revision, item, gone=gone)
    return thumb(item.key, item.sample, annotations, palette, url, small)


def thumbnail_url(
    repository: Repository,
    revision: Revision,
    item: SampleItem,
    size: int = 320,
    gone: Container[bytes] = (),
) -> str:
    """Pinned to the commit, so that it may be cached for ever."""
    media = item.sample.media
    if (
        media is None
        or media.sha256 in gone
        or media.state is not MediaState.STORED
        or not media.media_type.startswith("image/")
    ):
        return ""
    return f"/api/v1/repos/{repository}/thumbnails/{quote(item.key)}?ref={revision.commit_id}&size={size}"


def media_url(repository: Repository, revision: Revision, item: SampleItem) -> str:
    """Nothing for media kept elsewhere: pages load from this site alone (the content security policy)."""
    media = item.sample.media
    if media is None or media.state is MediaState.EXTERNAL:
        return ""
    return f"/api/v1/repos/{repository}/media/{quote(item.key)}?ref={revision.commit_id}"


def _folders(view: SnapshotView, prefix: str, here: str) -> list[dict[str, Any]]:
    found = [each for each in view.folders(prefix, FOLDERS) if not each.is_leaf]
    return [
        {"name": each.name.decode(), "count": each.entries, "url": f"{here}/{quote(each.name.decode())}"}
        for each in found
    ]


def _crumbs(repository: Repository, revision: Revision, prefix: str) -> list[dict[str, str]]:
    parts = prefix.rstrip("/").split("/") if prefix else []
    base = f"/{repository}/tree/{revision.text}"
    return [
        {"name": part, "url": f"{base}/{quote('/'.join(parts[: i + 1]))}"} for i, part in enumerate(parts)
    ]


def card(view: SnapshotView) -> str | None:
    raw = view.read_file(CARD)
    return None if raw is None else markdown(raw.decode(errors="replace"))


@require_safe
def go_to(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """The box "go to sample": a whole key opens it, anything else becomes a filter."""
    repository = access.get_repository(request.user, owner, name)
    revision = access.resolve_revision(repository, request.GET.get("ref", ""))
    text = request.GET.get("key", "").strip()
    try:
        selectors.sample_detail(revision, text, layers=[])
    except NotFound:
        return HttpResponseRedirect(f"/{repository}/tree/{revision.text}?{urlencode({'q': text})}")
    return HttpResponseRedirect(f"/{repository}/sample/{revision.text}/{quote(text)}")
