"""Summaries of what differs between two commits, whole and in parts."""

from celery import shared_task

from repos.selectors import compare
from repos.services import diff_summaries


@shared_task(name=compare.TASK, queue=compare.QUEUE)
def diff_summary(computation_id: int) -> None:
    diff_summaries.run(computation_id)


@shared_task(name=diff_summaries.PART_TASK, queue=compare.QUEUE)
def diff_part(computation_id: int, whole_id: int) -> None:
    diff_summaries.run_part(computation_id, whole_id)
