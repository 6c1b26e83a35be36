"""Taking out for good: purges that were asked for, redactions that were not ended, repositories past their time."""

from hub.celery import app
from repos.services import purge, redaction, sweeping


@app.task(name=purge.TASK)
def run_purge(job_id: str) -> None:
    purge.run(job_id)


@app.task(name="repos.finish_redactions")
def finish_redactions() -> int:
    """Bytes that a crash or an absent store left behind."""
    return redaction.finish()


@app.task(name="repos.sweep_deleted")
def sweep_deleted() -> int:
    """Repositories that were deleted more than 30 days ago."""
    sweeping.sweep_empty_networks()
    return sweeping.sweep_deleted()
