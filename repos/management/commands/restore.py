"""`manage.py restore DIR|s3://bucket/prefix [--snapshot MOMENT]` into an empty platform."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.errors import HubError
from repos.backup import places, restoring


class Command(BaseCommand):
    help = "Bring a snapshot back into a platform that is migrated alike and holds nothing yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", help="a folder, or s3://bucket/prefix")
        parser.add_argument("--snapshot", default="", help="default: the newest")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            found = restoring.restore(
                places.target_of(options["target"]), options["snapshot"], self.stdout.write
            )
        except HubError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"restored {found['moment']}")
