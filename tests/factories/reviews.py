"""Label pull requests for tests: a street data set, somebody's fork of it, and what they propose."""

from __future__ import annotations

from dataclasses import dataclass

from hub.accounts.models import User
from repos.models import CommitRecord, Repository, Role
from reviews.models import PullRequest
from reviews.services import pulls
from tests.factories import data
from tests.factories import repos as make

FIRST = "train/0000.jpg"


@dataclass
class Proposal:
    """`bob` proposes the branch `fix` of his fork for `main` of `target`, which `alice` owns."""

    alice: User
    bob: User
    target: Repository
    fork: Repository
    pull: PullRequest

    @property
    def api(self) -> str:
        return f"/api/v1/repos/{self.target}/pulls/{self.pull.number}"

    @property
    def page(self) -> str:
        return f"/{self.target}/pull/{self.pull.number}"

    def push(self, *operations: data.Json, message: str = "More") -> CommitRecord:
        return data.commit(self.fork, *operations, actor=self.bob, branch="fix", message=message)

    def commit(self, *operations: data.Json) -> CommitRecord:
        """On the target branch."""
        return data.commit(self.target, *operations, message="Meanwhile")

    def fresh(self) -> PullRequest:
        found = PullRequest.objects.select_related("author", "merged_by", "source_repository__owner").get(
            pk=self.pull.pk
        )
        found.repository = self.target
        return found


def streets(owner: User | None = None, *, private: bool = False, samples: int = 6) -> Repository:
    target = make.private(owner) if private else make.repository(owner)
    data.streets(target, samples=samples)
    return target


def proposal(
    *operations: data.Json, private: bool = False, target: Repository | None = None, **words: object
) -> Proposal:
    """By default the first car is moved to x = 90."""
    target = target or streets(private=private)
    bob = make.member(target, Role.READ) if target.is_private else make.user()
    fork = make.forks.fork(bob, target)
    make.refs.create_branch(bob, fork, name="fix")
    data.commit(fork, *(operations or [data.put_box(FIRST, 0, x=90)]), actor=bob, branch="fix", message="Fix")
    words = {"title": "Fix the first car", **words}
    pull = pulls.open_pull(bob, target, source=f"{bob.username}:fix", **words)  # type: ignore[arg-type]
    return Proposal(target.owner, bob, target, fork, pull)


def conflicting() -> Proposal:
    """Both sides moved the first car and relabelled the second: two conflicts."""
    made = proposal(
        data.put_box(FIRST, 0, x=90), data.put_box("train/0001.jpg", 2, name="person"), data.put_sample("new")
    )
    made.commit(data.put_box(FIRST, 0, x=40), data.delete_box("train/0001.jpg", 2))
    return made
