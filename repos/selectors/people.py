"""Who an opaque author id stands for. Looked up for a whole page at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hub.accounts.models import User
from repos.models import ExternalIdentity


@dataclass(frozen=True)
class Person:
    """`username` is empty for somebody without an account here."""

    id: str
    name: str
    username: str = ""


def author_id(user: User) -> str:
    return f"u:{user.pk}"


def people(ids: Iterable[str]) -> dict[str, Person]:
    """Every id that was given; an unknown one stands for itself. Two queries."""
    wanted = set(ids)
    accounts = [int(i[2:]) for i in wanted if i.startswith("u:") and i[2:].isdigit() and len(i) < 20]
    found = {
        f"u:{pk}": Person(f"u:{pk}", display or username, username)
        for pk, username, display in User.objects.filter(pk__in=accounts).values_list(
            "pk", "username", "display_name"
        )
    }
    external = [i for i in wanted if i.startswith("ext:")]
    rows = ExternalIdentity.objects.filter(identifier__in=external) if external else ()
    for row in rows:
        found[row.identifier] = Person(row.identifier, row.display_name)
    return {i: found.get(i) or Person(i, i.rpartition(":")[2] or i) for i in wanted}


def layer_titles(layers: Iterable[str]) -> dict[str, str]:
    """What pages call each layer: a layer that is named by an annotator's id has that annotator's name."""
    names = list(layers)
    known = people(ids) if (ids := [n for n in names if n.startswith(("u:", "ext:"))]) else {}
    return {n: known[n].name if n in known else n for n in names}
