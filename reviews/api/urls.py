"""Addresses of the API of pull requests, below /api/v1/."""

from django.urls import path

from reviews.api import conflicts, discussion, pulls

REPO = "repos/<str:owner>/<str:name>"
PULL = f"{REPO}/pulls/<int:number>"

urlpatterns = [
    path(f"{REPO}/pulls", pulls.Pulls.as_view(), name="api-pulls"),
    path(PULL, pulls.OnePull.as_view(), name="api-pull"),
    path(f"{PULL}/changes", pulls.Changes.as_view(), name="api-pull-changes"),
    path(f"{PULL}/commits", pulls.Commits.as_view(), name="api-pull-commits"),
    path(f"{PULL}/merge", pulls.Merge.as_view(), name="api-pull-merge"),
    path(f"{PULL}/update", pulls.Update.as_view(), name="api-pull-update"),
    path(f"{PULL}/revert", pulls.Revert.as_view(), name="api-pull-revert"),
    path(f"{PULL}/timeline", discussion.Timeline.as_view(), name="api-pull-timeline"),
    path(f"{PULL}/reviews", discussion.Reviews.as_view(), name="api-pull-reviews"),
    path(f"{PULL}/comments", discussion.Comments.as_view(), name="api-pull-comments"),
    path(f"{PULL}/comments/<int:pk>", discussion.OneComment.as_view(), name="api-pull-comment"),
    path(f"{PULL}/threads/<int:pk>/resolve", discussion.Resolve.as_view(), name="api-thread-resolve"),
    path(f"{PULL}/threads/<int:pk>/unresolve", discussion.Unresolve.as_view(), name="api-thread-unresolve"),
    path(f"{PULL}/conflicts", conflicts.Conflicts.as_view(), name="api-pull-conflicts"),
    path(f"{PULL}/resolutions", conflicts.Resolutions.as_view(), name="api-pull-resolutions"),
]
