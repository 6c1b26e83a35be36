"""`manage.py create_user NAME --email ...`: an account with a confirmed address, for scripts and first steps."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub.accounts.services import create_user
from hub.errors import HubError


class Command(BaseCommand):
    help = (
        "Make an account whose e-mail address counts as confirmed. Asks for a password unless one is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or getpass.getpass()
        try:
            made = create_user(
                username=options["username"], email=options["email"], password=password, verified=True
            )
        except HubError as error:
            raise CommandError(f"{options['username']}: {error}") from error
        self.stdout.write(f"made {made.username}")
