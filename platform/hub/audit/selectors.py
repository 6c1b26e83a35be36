from django.db.models import QuerySet

from hub.audit.models import AuditEvent


def events_of(subject: str) -> QuerySet[AuditEvent]:
    """Newest first. Who may read them is decided by the door to the subject."""
    return AuditEvent.objects.filter(subject=subject).order_by("-id")
