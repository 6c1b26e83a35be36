"""Addresses of pages. `owner` and `name` come last; the words before them are reserved names of accounts."""

from django.urls import path

from repos.web import actions, commits, data, edit, refs, sample, schema, settings, site

REPO = "<str:owner>/<str:name>"

urlpatterns = [
    path("", site.start, name="start"),
    path("explore", site.explore, name="explore"),
    path("search", site.explore, name="search"),
    path("new", site.new, name="new"),
    path("import", site.new, name="import"),
    path("invitations/<int:pk>", site.invitation, name="invitation"),
    path("invitations/link/<str:token>", site.invitation_link, name="invitation-link"),
    path("<str:owner>", site.profile, name="profile"),
    path(f"{REPO}", data.home, name="repository"),
    path(f"{REPO}/tree/<path:path>", data.tree, name="tree"),
    path(f"{REPO}/go", data.go_to, name="go-to"),
    path(f"{REPO}/sample/<path:path>", sample.sample, name="sample"),
    path(f"{REPO}/schema", schema.schema, name="schema-default"),
    path(f"{REPO}/schema/<path:ref>", schema.schema, name="schema-at"),
    path(f"{REPO}/commits", commits.history, name="commits-default"),
    path(f"{REPO}/commits/<path:ref>", commits.history, name="commits"),
    path(f"{REPO}/edit", edit.begin, name="edit-begin"),
    path(f"{REPO}/edit/<path:path>", edit.editor, name="edit"),
    path(f"{REPO}/staged/<path:branch>/commit", edit.commit, name="staged-commit"),
    path(f"{REPO}/staged/<path:branch>/discard", edit.discard, name="staged-discard"),
    path(f"{REPO}/staged/<path:branch>/rebase", edit.rebase, name="staged-rebase"),
    path(f"{REPO}/staged/<path:branch>", edit.staged, name="staged"),
    path(f"{REPO}/star", actions.star, name="star"),
    path(f"{REPO}/fork", actions.fork, name="fork"),
    path(f"{REPO}/sync", actions.sync, name="sync"),
    path(f"{REPO}/branches", refs.branches, name="branches"),
    path(f"{REPO}/tags", refs.tags, name="tags"),
    path(f"{REPO}/refs", refs.create, name="create-ref"),
    path(f"{REPO}/refs/delete", refs.delete, name="delete-ref"),
    path(f"{REPO}/refs/restore", refs.restore, name="restore-ref"),
    path(f"{REPO}/settings", settings.general, name="repo-settings"),
    path(f"{REPO}/settings/update", settings.update, name="repo-update"),
    path(f"{REPO}/settings/invite", settings.invite, name="repo-invite"),
    path(f"{REPO}/settings/collaborator", settings.collaborator, name="repo-collaborator"),
    path(f"{REPO}/settings/delete", settings.delete, name="repo-delete"),
    path(f"{REPO}/restore", settings.restore, name="repo-restore"),
]
