"""Summaries of what differs between two commits."""

from celery import shared_task

from hub.jobs import computations
from repos.models import CommitRecord, Network
from repos.selectors import compare


@shared_task(name=compare.TASK, queue=compare.QUEUE)
def diff_summary(computation_id: int) -> None:
    computation = computations.begin(computation_id)
    if computation is None:
        return
    try:
        network = Network.objects.get(pk=computation.parameters["network"])
        rows = CommitRecord.objects.filter(network=network)
        a, b = (rows.get(commit_id=computation.parameters[side]) for side in ("a", "b"))
        result = compare.compute_summary(
            network, a, b, lambda done: computations.report(computation, done=done)
        )
        computations.succeed(computation, result)
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        computations.fail(computation, error)
        raise
