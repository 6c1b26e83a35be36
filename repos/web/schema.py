"""The label schema as a document."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from hub.web.markdown import render as markdown
from repos import access
from repos.errors import EmptyRepository
from repos.selectors.snapshots import view_of
from repos.web.drawing import Palette
from repos.web.frames import context, ref_menu


@require_safe
def schema(request: HttpRequest, owner: str, name: str, ref: str = "") -> HttpResponse:
    repository = access.get_repository(request.user, owner, name)
    try:
        revision = access.resolve_revision(repository, ref)
    except EmptyRepository:
        return render(request, "repos/empty.html", context(request.user, repository, "schema"))
    view = view_of(revision)
    found, palette = view.schema, Palette.of(view.schema)
    guidelines = view.read_file(found.guidelines) if found.guidelines else None
    classes = [
        {
            "entry": c,
            "color": palette.by_id[c.id],
            "path": found.path(c.id),
            "replaced_by": found.name_of(c.id) if c.replaced_by else "",
        }
        for c in found.classes
    ]
    more = {
        "classes": classes,
        "attributes": found.attributes,
        "fields": found.fields,
        "groups": [{"group": g, "names": [found.name_of(c) for c in g.classes]} for g in found.groups],
        "guidelines": markdown(guidelines.decode(errors="replace")) if guidelines else None,
        "refs": ref_menu(repository, revision, f"/{repository}/schema/{{ref}}"),
    }
    return render(
        request, "repos/schema.html", context(request.user, repository, "schema", revision.text, **more)
    )
