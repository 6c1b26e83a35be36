"""Collect what nothing leads to any more (docs/guides/administrator.md)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from repos.upkeep import gc
from repos.upkeep.scope import add_scope, networks_of


class Command(BaseCommand):
    help = "Remove commits, nodes, packs, media and uploads that nothing leads to any more. Safe while people push."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_scope(parser)
        parser.add_argument("--dry-run", action="store_true", help="say what would go; change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a network")
        parser.add_argument(
            "--grace", type=float, default=gc.GRACE / timedelta(hours=1), help="hours between two marks (12)"
        )
        parser.add_argument(
            "--lost-after",
            type=float,
            default=gc.LOST_AFTER / timedelta(hours=1),
            help="hours after which an object that no row knows is removed (24)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for network in networks_of(options):
            freed = gc.collect(
                network,
                grace=timedelta(hours=options["grace"]),
                lost_after=timedelta(hours=options["lost_after"]),
                dry_run=options["dry_run"],
            )
            self.stdout.write(json.dumps(freed.document) if options["json"] else _sentence(freed))


def _sentence(freed: gc.Freed) -> str:
    if freed.busy:
        return f"network {freed.network}: another collection is running here"
    verb = "would free" if freed.dry_run else "freed"
    packs = f"{freed.packs_freed} packs ({freed.pack_bytes_freed} bytes)"
    media = f"{freed.media_freed} media ({freed.media_bytes_freed} bytes)"
    lost = f"{freed.lost_objects} lost objects ({freed.lost_bytes} bytes)"
    return (
        f"network {freed.network}: reached {freed.nodes_reached} nodes; {verb} {freed.commits_freed} commits, "
        f"{freed.nodes_freed} nodes, {packs}, {media}, {freed.uploads_expired} unfinished uploads, {lost}; "
        f"missed {freed.commits_missed} commits, {freed.nodes_missed} nodes, {freed.media_missed} media"
    )
