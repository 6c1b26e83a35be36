"""Media that was sent in parts: read and verified, one upload a task, and again when a worker or a message was lost."""

from hub.celery import app
from repos.services import direct_uploads, upload_checks


@app.task(name=direct_uploads.TASK)
def check_upload(session_id: str) -> None:
    upload_checks.check(session_id)


@app.task(name="media.keep_going")
def keep_going() -> int:
    """Uploads that nobody reads and that wait to be read."""
    return upload_checks.send_lost()
