"""All rows of the database, as one moment has them: each table a compressed COPY, and back.

Invariant: everything is read in one snapshot of the database, and written in one transaction whose foreign keys are
checked at its end, so that a restore is whole or nothing. Derived columns and passing tables (caches of sessions,
answers kept for repeated requests) are left out. Triggers that ask for other rows do so at each row that comes in: what
they ask for is loaded before. Cost: one COPY each way for each table; memory of one piece.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from django.db import connection
from psycopg import sql

PASSING = ("django_session", "hub_http_idempotentanswer", "repos_derived", "django_migrations")
# A ref and a set of predictions are refused unless their commit is there, which is looked up through their repository.
# Unlike foreign keys this is not put off to the end, as it locks the commit against removal from the first moment on.
FIRST = ("repos_network", "repos_repository", "repos_commitrecord")
# A commit is refused unless its parents are there, and rows lie in no order of their own once some were rewritten.
ORDER = {"repos_commitrecord": "generation"}
PIECE = 2**18

_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = '' AND c.relname <> ALL(%s)
 GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES = """
SELECT t.relname::text, a.attname::text, pg_get_serial_sequence(quote_ident(t.relname), a.attname)
  FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_attribute a ON a.attrelid = t.oid
 WHERE n.nspname = current_schema() AND t.relkind = 'r' AND a.attidentity <> '' AND NOT a.attisdropped
"""


@dataclass(frozen=True)
class Table:
    """One table in a backup: its columns in order, rows, and the SHA-256 of the compressed file."""

    name: str
    columns: list[str]
    rows: int
    size: int
    sha256: str

    @property
    def document(self) -> dict[str, Any]:
        return asdict(self)


def columns_of() -> dict[str, list[str]]:
    """Every table that is kept, with the columns that are no derived ones."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, [list(PASSING)])
        return {name: list(columns) for name, columns in cursor.fetchall()}


def migrations() -> list[list[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        return [list(row) for row in cursor.fetchall()]


def dump(name: str, columns: list[str]) -> tuple[Table, BinaryIO]:
    """The table as a compressed file, rewound. Inside the snapshot's transaction."""
    out = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - the caller closes it
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=3, mtime=0) as packed:
        rows = _copy_out(name, columns, packed)
    size = out.tell()
    return Table(name, columns, rows, size, _sha256(out)), out


def _copy_out(name: str, columns: list[str], packed: gzip.GzipFile) -> int:
    rows = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(name)
    )
    if name in ORDER:
        rows += sql.SQL(" ORDER BY {}").format(sql.Identifier(ORDER[name]))
    statement = sql.SQL("COPY ({}) TO STDOUT").format(rows)
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for piece in copy:
            packed.write(piece)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
        return int(cursor.fetchone()[0])


def in_order(given: list[Table]) -> list[Table]:
    """As they are loaded: what triggers of others ask for comes first."""
    return sorted(given, key=lambda table: FIRST.index(table.name) if table.name in FIRST else len(FIRST))


def load(table: Table, file: BinaryIO) -> None:
    """Rows into an empty table, inside the transaction of the restore."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with (
        gzip.GzipFile(fileobj=file, mode="rb") as packed,
        connection.cursor() as cursor,
        cursor.cursor.copy(statement) as copy,
    ):
        while piece := packed.read(PIECE):
            copy.write(piece)


def rows_of(file: BinaryIO, columns: list[str], wanted: list[str]) -> Iterator[list[str]]:
    """The wanted columns of every row, as COPY writes them (bytes as `\\\\x` and hex)."""
    places = [columns.index(name) for name in wanted]
    with gzip.GzipFile(fileobj=file, mode="rb") as packed:
        for line in packed:
            values = line.decode().rstrip("\n").split("\t")
            yield [values[place] for place in places]


def clear() -> None:
    """Empty every table but that of the migrations: what they filled, passing tables, the audit log."""
    names = sorted({*columns_of(), *PASSING} - {"django_migrations"})
    with connection.cursor() as cursor:
        every = sql.SQL(", ").join(map(sql.Identifier, names))
        cursor.execute(sql.SQL("TRUNCATE {}").format(every))


def set_sequences() -> None:
    """New rows get numbers behind those that came back."""
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCES)
        for table, column, sequence in cursor.fetchall():
            highest = sql.SQL("SELECT setval(%s, (SELECT coalesce(max({}), 0) + 1 FROM {}), false)")
            cursor.execute(highest.format(sql.Identifier(column), sql.Identifier(table)), [sequence])


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
    file.seek(0)
    return digest
