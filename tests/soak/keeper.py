"""Collects and compacts without pause, and ends leases before their time: only the protocol protects what is pushed."""

from __future__ import annotations

import time
from datetime import timedelta

import django
from django.db import Error, connection
from django.utils import timezone


def turn(number: int) -> None:
    from repos.models import Network, Pack
    from repos.upkeep import gc
    from repos.upkeep.compact import compact

    now = timezone.now()
    Pack.objects.filter(state=Pack.State.LIVE).update(leased_until=now)
    Pack.objects.filter(created_at__lt=now - timedelta(seconds=20)).update(leased_until=now)
    for network in Network.objects.all():
        gc.collect(network, grace=timedelta(0), lost_after=timedelta(minutes=2))
        if number % 3 == 0:
            compact(network, enough=3, linger=timedelta(seconds=5))


def main() -> None:
    from repos.labelstore.errors import LabelStoreError

    number = 0
    while True:
        number += 1
        try:
            turn(number)
        except (Error, LabelStoreError, OSError) as error:  # a service is away: that is what this is about
            print(type(error).__name__, error, flush=True)
            connection.close()
        time.sleep(0.5)


if __name__ == "__main__":
    django.setup()
    main()
