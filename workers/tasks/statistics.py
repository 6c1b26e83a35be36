"""Statistics of snapshots that are too large to be counted while somebody waits."""

from celery import shared_task

from repos.services import quality_history, statistics


@shared_task(name=statistics.TASK, queue=statistics.QUEUE)
def count(computation_id: int) -> None:
    """Samples, labels, checks, agreement and suspected errors of one snapshot."""
    statistics.run(computation_id)


@shared_task(name=statistics.FOLLOW, queue=statistics.QUEUE)
def follow(repository_id: int, ref: str, old: str, new: str, actor_id: int | None) -> None:
    """A branch has moved: its pages will ask for what it points at now."""
    statistics.follow(repository_id, ref, new)


@shared_task(name=quality_history.TASK, queue=statistics.QUEUE)
def fill_history(computation_id: int) -> None:
    """The figures of the commits of a branch that are not kept."""
    quality_history.run(computation_id)
