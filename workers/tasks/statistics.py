"""Statistics of snapshots that are too large to be counted while somebody waits."""

from celery import shared_task

from repos.services import statistics


@shared_task(name=statistics.TASK, queue=statistics.QUEUE)
def count(computation_id: int) -> None:
    """Samples, labels, checks, agreement and suspected errors of one snapshot."""
    statistics.run(computation_id)
