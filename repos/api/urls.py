"""Addresses of the API of repositories, below /api/v1/."""

from django.urls import path

from repos.api import collaborators, refs, repositories

REPO = "repos/<str:owner>/<str:name>"

urlpatterns = [
    path("repos", repositories.Repositories.as_view(), name="api-repositories"),
    path("user/invitations", collaborators.Invitations.as_view(), name="api-invitations"),
    path(REPO, repositories.OneRepository.as_view(), name="api-repository"),
    path(f"{REPO}/restore", repositories.Restore.as_view(), name="api-restore"),
    path(f"{REPO}/forks", repositories.Forks.as_view(), name="api-forks"),
    path(f"{REPO}/sync", repositories.Sync.as_view(), name="api-sync"),
    path(f"{REPO}/star", repositories.Star.as_view(), name="api-star"),
    path(f"{REPO}/refs", refs.Refs.as_view(), name="api-refs"),
    path(f"{REPO}/branches", refs.Branches.as_view(), name="api-branches"),
    path(f"{REPO}/branches/<path:branch>/restore", refs.RestoreBranch.as_view(), name="api-restore-branch"),
    path(f"{REPO}/branches/<path:branch>", refs.OneBranch.as_view(), name="api-branch"),
    path(f"{REPO}/tags", refs.Tags.as_view(), name="api-tags"),
    path(f"{REPO}/tags/<path:tag>", refs.OneTag.as_view(), name="api-tag"),
    path(f"{REPO}/collaborators", collaborators.Collaborators.as_view(), name="api-collaborators"),
    path(f"{REPO}/collaborators/<str:who>", collaborators.OneCollaborator.as_view(), name="api-collaborator"),
]
