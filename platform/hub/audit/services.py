"""The one way to write an audit event: inside the transaction of what it tells about."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from hub.audit.models import AuditEvent

if TYPE_CHECKING:
    from hub.accounts.models import User


def record(
    *, actor: "User | None", event: str, subject: str, details: Mapping[str, Any] | None = None
) -> AuditEvent:
    """`event` is noun.verb in the past ("branch.deleted"); `details` is JSON, without secrets or bodies."""
    return AuditEvent.objects.create(
        actor=actor,
        actor_name=actor.username if actor else "",
        event=event,
        subject=subject,
        details=dict(details or {}),
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
    )
