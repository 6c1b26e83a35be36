"""The data card: README.md of the default branch, written as Markdown."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from hub.errors import HubError
from hub.web.markdown import LIMIT
from hub.web.markdown import render as markdown
from hub.web.people import signed_in
from repos import access
from repos.annotations.edits import SnapshotEdit
from repos.errors import EditConflicts, EmptyEdit, EmptyRepository
from repos.models import Repository, Role
from repos.selectors.snapshots import view_of
from repos.services.commits import commit_edit
from repos.web.frames import context

CARD = "README.md"
STARTING = """# {name}

What this data is, in a sentence or two.

## Where it comes from

## How it is labelled

## Licence and citation
"""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """Write, preview, commit. The head the text was read from travels along, so that nobody's text is lost."""
    me = signed_in(request)
    repository = access.get_repository(me, owner, name, Role.WRITE)
    head, text = _stored(repository)
    if request.method != "POST":
        new = text is None
        return _page(request, repository, head, STARTING.format(name=repository.name) if new else text or "")
    given, base = _posted(request), request.POST.get("head", "")
    if "preview" in request.POST:
        return _page(request, repository, base, given, preview=True)
    if len(given.encode()) > LIMIT:
        return _page(
            request, repository, base, given, error=f"A card has at most {LIMIT // 1024} KiB.", status=422
        )
    edit = SnapshotEdit()
    edit.put_file(CARD, given.encode())
    message = request.POST.get("message", "").strip() or ("Update README.md" if text else "Add README.md")
    try:
        commit_edit(
            me,
            repository,
            branch=repository.default_branch,
            expected_head=base or None,
            edit=edit,
            message=message,
            reason="card",
        )
    except EmptyEdit:
        messages.info(request, "Nothing changed.")
    except EditConflicts:
        error = "Somebody else changed the card meanwhile. Their text is below yours; put both together and save again."
        both = f"{given}\n\n<!-- the other version -->\n\n{text or ''}"
        return _page(request, repository, head, both, error=error, status=409)
    except HubError as error:
        return _page(request, repository, base, given, error=str(error), status=422)
    return redirect(f"/{repository}")


def _posted(request: HttpRequest) -> str:
    """Browsers send CRLF; files have LF and end with one."""
    text = request.POST.get("text", "").replace("\r\n", "\n").rstrip()
    return f"{text}\n" if text else ""


def _stored(repository: Repository) -> tuple[str, str | None]:
    """Head of the default branch ("" when there is none) and the card there."""
    try:
        revision = access.resolve_revision(repository, "")
    except EmptyRepository:
        return "", None
    raw = view_of(revision).read_file(CARD)
    return revision.commit_id, None if raw is None else raw.decode(errors="replace")


def _page(
    request: HttpRequest,
    repository: Repository,
    head: str,
    text: str,
    *,
    preview: bool = False,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    frame = context(request.user, repository, "data", head=head, text=text, error=error)
    frame |= {"message": request.POST.get("message", ""), "preview": markdown(text) if preview else None}
    return render(request, "repos/card_edit.html", frame, status=status)
