"""`manage.py create_token USER`: an API token on standard output, and nothing else there."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub.accounts.models import TokenScope
from hub.accounts.selectors import user_by_name
from hub.accounts.services import create_token
from hub.errors import HubError


class Command(BaseCommand):
    help = "Make a personal access token for a user and print it; it is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--scope", choices=TokenScope.values, default=TokenScope.WRITE)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            user = user_by_name(options["username"])
            _, plain = create_token(actor=user, name=options["name"], scope=options["scope"])
        except HubError as error:
            raise CommandError(f"{options['username']}: {error}") from error
        self.stdout.write(plain)
