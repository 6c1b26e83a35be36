"""Which changed samples a reviewer has looked at.

A mark names the diff that was seen. It is taken only for the diff as it is, and goes when a push changes that sample
(reviews.services.following), so that counting marks is counting samples.
"""

from __future__ import annotations

import hashlib

from hub.accounts.models import User
from hub.errors import Invalid
from repos import access
from repos.annotations.semantic import SampleChange
from repos.models import Role
from repos.selectors import compare
from reviews.models import PullRequest, ViewedSample
from reviews.selectors.pulls import ends_of_diff


def digest_of(change: SampleChange) -> str:
    """Names what was looked at: another diff of the same sample has not been viewed."""
    told = [(c.id, c.facets, c.before, c.after) for c in change.annotations]
    return hashlib.sha256(repr((change.status, change.facets, told)).encode()).hexdigest()


def set_viewed(actor: User, pull: PullRequest, *, key: str, diff_digest: str, viewed: bool) -> None:
    """Remember that the actor looked at this sample's diff, or that they did not."""
    access.require(actor, pull.repository, Role.READ)
    mine = ViewedSample.objects.filter(pull=pull, user=actor)
    if not viewed:
        mine.filter(key=key).delete()
        return
    found = compare.difference(pull.repository.network, *ends_of_diff(pull))
    change = next(iter(compare.changes_page(found, compare.Filter(key=key)).changes), None) if key else None
    if change is None or digest_of(change) != diff_digest:
        raise Invalid(f"digest: the changes of {key!r} are others now; look again", field="digest")
    ViewedSample.objects.update_or_create(
        pull=pull, user=actor, key=key, defaults={"diff_digest": diff_digest}
    )


def viewed_by(actor: access.Actor, pull: PullRequest) -> dict[str, str]:
    """Digest of the diff that was seen, by key."""
    if (me := access.user_id(actor)) is None:
        return {}
    return dict(ViewedSample.objects.filter(pull=pull, user=me).values_list("key", "diff_digest"))
