"""Letting everything that names a rewritten commit name the new one. Inside the transaction of a purge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

_MOVES = (
    """UPDATE repos_ref r SET commit_id = m.new
         FROM unnest(%(old)s::varchar[], %(new)s::varchar[]) AS m(old, new), repos_repository p
        WHERE r.commit_id = m.old AND p.id = r.repository_id AND p.network_id = %(network)s""",
    """UPDATE repos_reflogentry l SET old = m.new
         FROM unnest(%(old)s::varchar[], %(new)s::varchar[]) AS m(old, new), repos_repository p
        WHERE l.old = m.old AND p.id = l.repository_id AND p.network_id = %(network)s""",
    """UPDATE repos_reflogentry l SET new = m.new
         FROM unnest(%(old)s::varchar[], %(new)s::varchar[]) AS m(old, new), repos_repository p
        WHERE l.new = m.old AND p.id = l.repository_id AND p.network_id = %(network)s""",
    """UPDATE repos_stagingarea a SET base = m.new, version = a.version + 1
         FROM unnest(%(old)s::varchar[], %(new)s::varchar[]) AS m(old, new), repos_repository p
        WHERE a.base = m.old AND p.id = a.repository_id AND p.network_id = %(network)s""",
    """UPDATE repos_commitsuccessor s SET new = m.new
         FROM unnest(%(old)s::varchar[], %(new)s::varchar[]) AS m(old, new)
        WHERE s.new = m.old AND s.network_id = %(network)s""",
    """INSERT INTO repos_commitsuccessor (network_id, old, new, at)
       SELECT %(network)s, m.old, m.new, now() FROM unnest(%(old)s::varchar[], %(new)s::varchar[]) AS m(old, new)
       ON CONFLICT (network_id, old) DO UPDATE SET new = excluded.new""",
)


def move(network_id: int, moved: Mapping[str, str]) -> None:
    """Refs, their logs, staging areas, and the map itself. `moved`: old id -> new one."""
    values: dict[str, Any] = {"network": network_id, "old": list(moved), "new": list(moved.values())}
    with connection.cursor() as cursor:
        for statement in _MOVES:
            cursor.execute(statement, values)
