"""`manage.py purge_sample OWNER/NAME KEY --reason REASON --by ACCOUNT`: at once, in this process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.accounts.selectors import user_by_name
from hub.errors import HubError
from repos import access
from repos.models import Reason
from repos.services import purge


class Command(BaseCommand):
    help = "Rewrite every commit that holds a sample. The account has to administer the repository."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repository", help="owner/name")
        parser.add_argument("key")
        parser.add_argument("--reason", required=True, choices=Reason.values)
        parser.add_argument("--by", required=True, help="account that administers it")

    def handle(self, *_: Any, **options: Any) -> None:
        owner, _slash, name = options["repository"].partition("/")
        try:
            actor = user_by_name(options["by"])
            repository = access.get_repository(actor, owner, name)
            moved = purge.purge(actor, repository, key=options["key"], reason=options["reason"])
        except HubError as error:
            raise CommandError(str(error)) from None
        for old, new in moved.items():
            self.stdout.write(f"{old} {new}")
