"""Check that the store holds what the refs reach (docs/guides/administrator.md)."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from repos.models import Network, Repository
from repos.upkeep.findings import Finding
from repos.upkeep.fsck import Checked, check
from repos.upkeep.scope import add_scope, networks_of, repository_of

EVERY = 2.0


class Command(BaseCommand):
    help = "Check every reachable object, pack, commit, change set and medium; exit code 1 when something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_scope(parser)
        parser.add_argument("--deep", action="store_true", help="read every byte of packs and media, too")
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a finding, one a network at its end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        repository = repository_of(options["repo"]) if options["repo"] else None
        results = [self._one(network, repository, options) for network in networks_of(options)]
        wrong = sum(not result.is_clean for result in results)
        if not options["json"]:
            self.stdout.write(f"{len(results)} networks checked, {wrong} of them with faults")
        if wrong:
            sys.exit(1)

    def _one(self, network: Network, repository: Repository | None, options: dict[str, Any]) -> Checked:
        as_json, told = options["json"], [0.0]

        def tell(finding: Finding) -> None:
            self.stdout.write(json.dumps(finding.document) if as_json else str(finding))

        def progress(what: str, done: int) -> None:
            now = time.monotonic()
            if now - told[0] >= EVERY and self.stderr.isatty():
                told[0] = now
                self.stderr.write(f"{network.prefix}: {done} {what}")

        checked = check(network, tell, repository=repository, deep=options["deep"], progress=progress)
        self.stdout.write(json.dumps(checked.document) if as_json else _sentence(checked))
        return checked


def _sentence(checked: Checked) -> str:
    faults = sum(checked.faults.values())
    verdict = "clean" if checked.is_clean else f"{faults} faults"
    notices = "".join(f", {count} {fault}" for fault, count in sorted(checked.notices.items()))
    return (
        f"network {checked.network}: {verdict}{notices}; {checked.commits} commits, {checked.nodes} nodes, "
        f"{checked.media} media, {checked.packs} packs; {checked.reads} reads, {checked.bytes_read} bytes, "
        f"{checked.seconds:.1f} s ({checked.cpu_seconds:.1f} s of CPU)"
    )
