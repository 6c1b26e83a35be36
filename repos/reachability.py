"""Is a commit reachable from a ref of this repository? The question behind every read of a revision.

Invariant: the answer depends only on the repository's own refs, hidden ones included, never on what else its network
holds. Cost: a ref that points at the commit answers by one index look-up; otherwise one recursive query that stops at
the commit's generation, so it visits what lies above the commit and nothing below. That a commit is an ancestor of a
tip can never stop being true, so it is kept in the cache, and asked again only when the tip is no longer a ref.
"""

from __future__ import annotations

from django.core.cache import cache
from django.db import connection

from repos.models import CommitRecord, Ref, Repository
from repos.names import HEADS

KEPT_SECONDS = 24 * 3600

_WALK = """
WITH RECURSIVE above(commit_id) AS (
    SELECT unnest(%(tips)s::varchar[])
  UNION
    SELECT unnest(c.parents)
      FROM above JOIN repos_commitrecord c ON c.network_id = %(network)s AND c.commit_id = above.commit_id
     WHERE c.generation > %(generation)s
)
SELECT EXISTS (SELECT 1 FROM above WHERE commit_id = %(wanted)s)
"""


def is_reachable(repository: Repository, commit: CommitRecord) -> bool:
    """Whether `commit`, of the repository's network, is an ancestor of (or is) a ref of it, hidden ones included."""
    if commit.network_id != repository.network_id:
        return False
    key = f"reach:{repository.pk}:{commit.commit_id}"
    witness = cache.get(key)
    tips = Ref.objects.filter(repository=repository)
    if tips.filter(commit_id__in=[commit.commit_id, witness or commit.commit_id]).exists():
        return True
    main = tips.filter(name=HEADS + repository.default_branch).values_list("commit_id", flat=True).first()
    if main is not None and descends(repository.network_id, [main], commit):
        cache.set(key, main, KEPT_SECONDS)
        return True
    return descends(repository.network_id, list(tips.values_list("commit_id", flat=True).distinct()), commit)


def descends(network_id: int, tips: list[str], commit: CommitRecord) -> bool:
    """Whether one of `tips` is `commit` or has it among its ancestors."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WALK,
            {
                "tips": tips,
                "network": network_id,
                "generation": commit.generation,
                "wanted": commit.commit_id,
            },
        )
        (found,) = cursor.fetchone()
    return bool(found)
