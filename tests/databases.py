"""The database of each worker: a copy of one that was migrated once, because migrating takes five seconds of processor
and copying a twentieth of one.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

TEMPLATE, UNFINISHED = "test_template", "test_unfinished"


def ready(worker: str) -> None:
    """Everything of this process uses its own copy from now on. It goes with the cluster, which is thrown away."""
    own = f"test_{worker or 'alone'}"
    with (Path(os.environ["LABELHUB_TEST_STACK"]) / "template.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not exists(TEMPLATE):
            migrate()
        run("CREATE DATABASE {} TEMPLATE {}", own, TEMPLATE)
    use(own)


def migrate() -> None:
    """Under its name only when it is whole: the next worker would take half of one."""
    run("DROP DATABASE IF EXISTS {}", UNFINISHED)
    run("CREATE DATABASE {}", UNFINISHED)
    before = str(connection.settings_dict["NAME"])
    use(UNFINISHED)
    try:
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    finally:
        use(before)
    run("ALTER DATABASE {} RENAME TO {}", UNFINISHED, TEMPLATE)


def use(name: str) -> None:
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [name])
        return bool((cursor.fetchone() or (False,))[0])


def run(statement: str, *databases: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, databases)))
