"""`manage.py redact OWNER/NAME --sha256 HEX --reason REASON --by ACCOUNT`: for who runs the site, whoever owns it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.accounts.selectors import user_by_name
from hub.audit.services import record
from hub.errors import HubError
from hub.folding import folded
from repos.models import Reason, Repository
from repos.selectors.people import author_id
from repos.services import redaction
from repos.services.media import digest_of


class Command(BaseCommand):
    help = "Remove the bytes of one medium from a repository and everything that descends from it or it from."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repository", help="owner/name")
        parser.add_argument("--sha256", required=True)
        parser.add_argument("--reason", required=True, choices=Reason.values)
        parser.add_argument("--by", required=True, help="account that answers for it")

    def handle(self, *_: Any, **options: Any) -> None:
        owner, _slash, name = options["repository"].partition("/")
        found = Repository.objects.filter(
            folded("owner__username", owner), folded("name", name), deleted_at=None
        ).first()
        if found is None:
            raise CommandError(f"there is no repository {options['repository']}")
        try:
            actor, digest = user_by_name(options["by"]), digest_of(options["sha256"])
        except HubError as error:
            raise CommandError(str(error)) from None
        made = redaction.bury(found.network, digest, reason=options["reason"], by=author_id(actor))
        details = {"sha256": digest.hex(), "reason": made.reason}
        record(actor=actor, event="media.redacted", subject=f"repo:{found.pk}", details=details)
        self.stdout.write(made.statement)
