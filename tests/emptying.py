"""Between tests that commit for real, rows are deleted where there are some, instead of every table made anew.

Django truncates all tables (a new file for each of them and of their indexes) and then looks up or writes every content
type and permission again: a third of a second, to remove a few hundred rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})
"""What migrating fills in, and nothing of ours changes."""


def install() -> None:
    """For every test of this process that is not wrapped in a transaction."""
    usual = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def teardown(case: Any) -> None:
        empty(lambda: usual(case))

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]


def empty(usual: Callable[[], None]) -> None:
    """Waits like a truncation for whoever still writes. `usual` when a test has removed what is kept, too."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM django_content_type)")
        if is_whole := (cursor.fetchone() or (False,))[0]:
            # Nobody waits for triggers of deleted rows, nor for foreign keys: all of it goes.
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names(tables())))
            cursor.execute(filled(tables()))
            for (table,) in cursor.fetchall():
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    if not is_whole:
        usual()


@cache
def tables() -> tuple[str, ...]:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return tuple(sorted(set(found) - KEPT))


def names(of: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, of))


@cache
def filled(of: tuple[str, ...]) -> sql.Composed:
    """The query for the names of those that have rows."""
    one = sql.SQL("SELECT {name} WHERE EXISTS (SELECT FROM {table})")
    return sql.SQL(" UNION ALL ").join(
        one.format(name=sql.Literal(name), table=sql.Identifier(name)) for name in of
    )
