"""Addresses of the API of repositories, below /api/v1/."""

from django.urls import path

from repos.api import blame, changes, collaborators, commits, media, refs, repositories, samples

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
    path(f"{REPO}/commits", commits.Commits.as_view(), name="api-commits"),
    path(f"{REPO}/commits/<str:commit>", commits.OneCommit.as_view(), name="api-commit"),
    path(f"{REPO}/commits/<str:commit>/changes", commits.CommitChanges.as_view(), name="api-commit-changes"),
    path(f"{REPO}/compare/<path:spec>/changes", changes.CompareChanges.as_view(), name="api-compare-changes"),
    path(f"{REPO}/compare/<path:spec>", changes.Compare.as_view(), name="api-compare"),
    path(f"{REPO}/schema", samples.SchemaView.as_view(), name="api-label-schema"),
    path(f"{REPO}/samples", samples.Samples.as_view(), name="api-samples"),
    path(f"{REPO}/samples/<path:key>", samples.OneSample.as_view(), name="api-sample"),
    path(f"{REPO}/folders", samples.Folders.as_view(), name="api-folders"),
    path(f"{REPO}/files", samples.Files.as_view(), name="api-files"),
    path(f"{REPO}/files/<path:path>", samples.OneFile.as_view(), name="api-file"),
    path(f"{REPO}/blame/<path:key>", blame.Blame.as_view(), name="api-blame"),
    path(f"{REPO}/history/<path:key>", blame.History.as_view(), name="api-history"),
    path(f"{REPO}/media/uploads", media.Uploads.as_view(), {"key": "uploads"}, name="api-uploads"),
    path(f"{REPO}/media/uploads/<uuid:upload>", media.OneUpload.as_view(), name="api-upload"),
    path(f"{REPO}/media/<path:key>", media.Media.as_view(), name="api-media"),
    path(f"{REPO}/thumbnails/<path:key>", media.Thumbnails.as_view(), name="api-thumbnail"),
]
