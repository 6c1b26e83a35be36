"""Imports: one job each, on the queue `transfer`; and what keeps them going when a worker or a message is lost."""

from typing import Any

from hub.celery import app
from repos.services import import_task, uploads

RETRIES = 6


@app.task(name="repos.import", bind=True, max_retries=RETRIES)
def run_import(self: Any, job_id: str) -> None:
    again = import_task.run(job_id, attempt=self.request.retries, last=self.request.retries >= RETRIES)
    if again is not None:
        raise self.retry(countdown=again)


@app.task(name="imports.keep_going")
def keep_going() -> int:
    """Send again what nobody works on any more, and remove uploads that expired."""
    uploads.sweep()
    return import_task.send_lost()
