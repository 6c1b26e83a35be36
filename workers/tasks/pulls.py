"""Label pull requests: whether they merge, and following the branches they come from."""

from celery import shared_task

from hub.jobs import computations
from repos.names import HEADS
from reviews.models import PullRequest
from reviews.services import checks
from reviews.services.following import follow_branch, note_gone


@shared_task(name=checks.TASK, queue=checks.QUEUE)
def merge_check(computation_id: int) -> None:
    """Count the conflicts of a pull request's merge."""
    computation = computations.begin(computation_id)
    if computation is None:
        return
    try:
        rows = PullRequest.objects.select_related("repository__network")
        pull = rows.get(pk=computation.parameters["pull"])
        result = checks.run(
            pull,
            computation.inputs,
            computation.parameters["decided"],
            lambda done, total: computations.report(computation, done=done, total=total),
        )
        computations.succeed(computation, result)
    except checks.Superseded as error:
        computations.fail(computation, error)
    except Exception as error:  # the edge of a process: told to whoever waits, then to the log
        computations.fail(computation, error)
        raise


@shared_task(name="repos.ref_moved", queue="interactive")
def ref_moved(repository_id: int, ref: str, old: str, new: str, actor_id: int | None) -> None:
    """A branch moved, came or went: the open pull requests from it and into it look at it again."""
    if ref.startswith(HEADS):
        follow_branch(repository_id, ref.removeprefix(HEADS))
        if not new:
            note_gone(repository_id, ref.removeprefix(HEADS), actor_id)
