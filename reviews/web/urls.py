"""Addresses of the pages of pull requests."""

from django.urls import path, re_path

from reviews.web import changes, conflicts, discussion, pulls

REPO = "<str:owner>/<str:name>"
PULL = f"{REPO}/pull/<int:number>"

urlpatterns = [
    path(f"{REPO}/pulls", pulls.listed, name="pulls"),
    path(f"{REPO}/compare", pulls.new, name="new-pull"),
    path(f"{REPO}/compare/summary", pulls.comparison_summary, name="comparison-summary"),
    path(PULL, pulls.conversation, name="pull"),
    path(f"{PULL}/commits", pulls.commit_list, name="pull-commits"),
    path(f"{PULL}/changes", changes.changes, name="pull-changes"),
    path(f"{PULL}/summary", pulls.summary, name="pull-summary"),
    path(f"{PULL}/merge-box", pulls.merge_box, name="pull-merge-box"),
    path(f"{PULL}/edit", pulls.edit, name="pull-edit"),
    path(f"{PULL}/merge", pulls.merge_now, name="pull-merge"),
    path(f"{PULL}/comments", discussion.comment, name="pull-comment"),
    path(f"{PULL}/reviews", discussion.review, name="pull-review"),
    path(f"{PULL}/viewed", discussion.viewed, name="pull-viewed"),
    path(f"{PULL}/conflicts", conflicts.listed, name="pull-conflicts"),
    path(f"{PULL}/conflicts/decide", conflicts.decide, name="pull-decide"),
    path(f"{PULL}/conflicts/rule", conflicts.rule, name="pull-rule"),
    re_path(
        r"^(?P<owner>[^/]+)/(?P<name>[^/]+)/pull/(?P<number>[0-9]{1,9})/threads/(?P<pk>[0-9]{1,18})/(?P<action>reply|resolve|unresolve)$",
        discussion.thread,
        name="pull-thread",
    ),
    re_path(
        r"^(?P<owner>[^/]+)/(?P<name>[^/]+)/pull/(?P<number>[0-9]{1,9})/(?P<action>close|reopen|draft|ready|update|revert)$",
        pulls.act,
        name="pull-act",
    ),
]
