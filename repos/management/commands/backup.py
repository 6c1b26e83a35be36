"""`manage.py backup DIR|s3://bucket/prefix`, `--verify [--snapshot MOMENT]`, `--list`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from repos.backup import places, restoring, taking


class Command(BaseCommand):
    help = "Copy everything to a folder or bucket while people write; only what is new since the last time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", help="a folder, or s3://bucket/prefix")
        parser.add_argument("--verify", action="store_true", help="read a snapshot and check every digest")
        parser.add_argument("--list", action="store_true", help="which snapshots are there")
        parser.add_argument("--snapshot", default="", help="default: the newest")

    def handle(self, *_: Any, **options: Any) -> None:
        target = places.target_of(options["target"])
        if options["list"]:
            self.stdout.write("\n".join(places.moments(target)))
        elif options["verify"]:
            self._verify(list(restoring.verify(target, options["snapshot"])))
        else:
            found = taking.take(target, self.stdout.write)
            self.stdout.write(found["moment"])

    def _verify(self, faults: list[str]) -> None:
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults")
        self.stdout.write("whole: every table, pack and medium is there and is what was written")
