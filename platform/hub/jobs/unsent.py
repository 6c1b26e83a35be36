"""Messages that wait in the database until the broker is back. A message may be sent twice; every task allows that."""

from django.db import transaction

from hub.celery import publish
from hub.jobs.models import UnsentMessage

AT_ONCE = 500


def send_kept() -> int:
    """Send what waits, oldest first, until the broker does not answer; how many went out."""
    sent = 0
    with transaction.atomic():
        for message in UnsentMessage.objects.select_for_update(skip_locked=True).order_by("pk")[:AT_ONCE]:
            if not publish(message.task, message.arguments, queue=message.queue):
                break
            message.delete()
            sent += 1
    return sent
