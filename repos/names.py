"""Names people type: repositories, branches, tags, topics, layers. Pure: text in, a reason or nothing out.

Invariant: a ref name can stand in a URL path before a sample key without being mistaken for anything else. It has no
empty, `.` or `..` part, none of git's forbidden characters, is not 40 hex digits (a commit id), and never equals or
extends another ref by a path part (`a` and `a/b` cannot both exist).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

REPOSITORY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
TOPIC = re.compile(r"[a-z0-9][a-z0-9-]{0,49}\Z")
COMMIT_ID = re.compile(r"[0-9a-f]{40}\Z")
COMMIT_PREFIX = re.compile(r"[0-9a-f]{7,40}\Z")
REF_LIMIT = 200
MAX_TOPICS = 20

ENDINGS = ("changes", "commit", "discard", "rebase", "restore")
"""Last parts of addresses that have a ref before them: `.../staging/<branch>/commit`, `.../compare/<spec>/changes`."""

_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_RESERVED_REPOSITORY_NAMES = frozenset(
    {"settings", "repositories", "stars", "people", "followers", "following"}
)

HEADS, TAGS, HIDDEN = "refs/heads/", "refs/tags/", "refs/hidden/"


def repository_name_fault(name: str) -> str | None:
    """Why `name` cannot be the name of a repository, or None."""
    if not REPOSITORY_NAME.match(name):
        return "1 to 100 letters, digits, '.', '_' or '-', beginning with a letter or digit"
    if name.endswith(".git") or name.lower() in _RESERVED_REPOSITORY_NAMES:
        return "a name that is not reserved"
    return None


def ref_name_fault(name: str) -> str | None:
    """Why `name` (short, without refs/heads/) cannot name a branch or tag, or None."""
    if not 1 <= len(name.encode("utf-8", "surrogatepass")) <= REF_LIMIT:
        return f"1 to {REF_LIMIT} bytes"
    if _FORBIDDEN_IN_REF.search(name) or name.startswith(("/", "-")) or name.endswith(("/", ".")):
        return "a name without spaces, control characters, '..', '//', or any of ~ ^ : ? * [ \\"
    if any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return "parts that do not begin with '.' or end with '.lock'"
    if COMMIT_ID.match(name) or name in ("HEAD", "@") or name.startswith("refs/"):
        return "a name that is not a commit id, HEAD, @, or below refs/"
    if name.rpartition("/")[2] in ENDINGS and "/" in name:
        return f"a name whose last part is none of {', '.join(ENDINGS)}: addresses of branches end so"
    return None


def clean_topics(topics: Iterable[str]) -> list[str]:
    """Lower case, sorted, without doubles; ValueError names the first that is not a topic."""
    cleaned = sorted({topic.strip().lower() for topic in topics})
    bad = next((topic for topic in cleaned if not TOPIC.match(topic)), None)
    if bad is not None:
        raise ValueError(f"{bad!r}: a topic is 1 to 50 of a-z, 0-9 and '-'")
    if len(cleaned) > MAX_TOPICS:
        raise ValueError(f"at most {MAX_TOPICS} topics")
    return cleaned


def path_prefixes(path: str) -> Iterator[str]:
    """`a`, `a/b`, `a/b/c` for `a/b/c`."""
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
    yield path


def short_name(full: str) -> str:
    """`main` for `refs/heads/main`, `v1` for `refs/tags/v1`; a hidden ref is given whole."""
    for prefix in (HEADS, TAGS):
        if full.startswith(prefix):
            return full[len(prefix) :]
    return full
