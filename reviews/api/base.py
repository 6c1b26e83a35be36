"""What every view of a pull request shares."""

from __future__ import annotations

from repos.api.base import RepositoryView
from reviews.access import pull_of
from reviews.models import PullRequest
from reviews.services.pulls import refresh


class PullView(RepositoryView):
    """A pull request is reached through its repository, and is looked at as its branches are now."""

    def pull(self) -> PullRequest:
        return refresh(pull_of(self.repository(), int(self.kwargs["number"])))
