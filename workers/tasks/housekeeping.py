"""What the ground floor keeps for a while only."""

from django.core.management import call_command

from hub.celery import app
from hub.http.idempotency import forget_old_answers
from hub.jobs import unsent
from repos.storage import derived


@app.task(name="housekeeping.forget")
def forget() -> int:
    """Sessions that ended, answers kept for repeated requests."""
    call_command("clearsessions")
    return forget_old_answers()


@app.task(name="housekeeping.sweep_derived")
def sweep_derived() -> int:
    """Derived values that nobody used for long, or that are too many."""
    return derived.sweep()


@app.task(name="housekeeping.send_kept")
def send_kept() -> int:
    """Messages that waited for the broker. That this runs shows that it is back."""
    return unsent.send_kept()
