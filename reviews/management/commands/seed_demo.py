"""`manage.py seed_demo --password X`: the demonstration of a first start."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub.accounts.models import User
from hub.errors import HubError
from reviews.services import demonstration


class Command(BaseCommand):
    help = "Make two people, four data sets, an open and a merged label pull request."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(username__in=["alice", "bob"]).exists():
            raise CommandError("alice or bob exists already; the demonstration is for an empty installation")
        try:
            demonstration.make(options["password"], self.stdout.write)
        except HubError as error:
            raise CommandError(str(error)) from error
