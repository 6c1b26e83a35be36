"""`manage.py erase_account NAME --yes`: what the person's own button does, for who runs the site."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.accounts.selectors import user_by_name
from hub.errors import Missing
from repos.services.account_erasure import erase_account, what_happens


class Command(BaseCommand):
    help = "Replace a profile for good; owned repositories go to another admin or are deleted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--yes", action="store_true", help="do it; without, only say what would happen")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            user = user_by_name(options["name"])
        except Missing:
            raise CommandError(f"there is no account {options['name']}") from None
        for repository, heir in what_happens(user):
            self.stdout.write(f"{repository}: {f'goes to {heir.username}' if heir else 'is deleted'}")
        if not options["yes"]:
            self.stdout.write("nothing done; say --yes to erase")
            return
        self.stdout.write(f"{options['name']} is {erase_account(user, user).username} now")
