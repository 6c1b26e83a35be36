"""What can go wrong with a repository, as data. Each is one of the kinds of hub.errors, which give it its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.errors import Conflict, Gone, HubError, Invalid, Missing, Refused, TooLarge, Unavailable


class NotFound(Missing):
    """Missing, or hidden from the actor: told alike on purpose."""

    template = "There is no {what} {name!r}, or you may not see it."

    def __init__(self, what: str, name: str) -> None:
        super().__init__(what=what, name=name)


class EmptyRepository(Missing):
    code = "empty_repository"
    template = "{repository} has no commit on its default branch {branch!r} yet."

    def __init__(self, repository: str, branch: str) -> None:
        super().__init__(repository=repository, branch=branch)


class Redacted(Gone):
    """Media that was removed from this family of repositories for good."""

    template = "The media of {key!r} was redacted on {at:%Y-%m-%d}: {reason}."

    def __init__(self, key: str, reason: str, at: datetime, sha256: str = "") -> None:
        super().__init__(key=key, reason=reason, at=at, sha256=sha256)


class RedactedBytes(Invalid):
    """Somebody brings bytes back that were redacted here."""

    code = "redacted"
    template = "The bytes {sha256} of {name!r} were redacted from this data set for good: {reason}."

    def __init__(self, sha256: str, reason: str, name: str = "") -> None:
        HubError.__init__(self, sha256=sha256, reason=reason, name=name or sha256[:12], field="sha256")


class SignInRequired(Refused):
    code = "not_authenticated"
    template = "Sign in for {need}."

    def __init__(self, need: str) -> None:
        super().__init__(need=need)


class NotAllowed(Refused):
    """Seen, but not permitted."""

    template = "This needs {need}; you have {have} access."

    def __init__(self, need: str, have: str) -> None:
        super().__init__(need=need, have=have)


class BadValue(Invalid):
    """A value in a request is not acceptable: which field, what it held, what was expected."""

    template = "{field}: expected {expected}, got {value!r}."

    def __init__(self, field: str, value: object, expected: str, **where: object) -> None:
        HubError.__init__(self, field=field, value=value, expected=expected, **where)


class AmbiguousRevision(Invalid):
    code = "ambiguous_revision"
    template = "{text!r} begins the ids of several commits; give more digits."

    def __init__(self, text: str, candidates: Sequence[str]) -> None:
        HubError.__init__(self, text=text, candidates=list(candidates))


class EmptyEdit(Invalid):
    code = "empty_edit"
    template = "Nothing would change on {branch}: the edit leaves every label as it is."

    def __init__(self, branch: str) -> None:
        HubError.__init__(self, branch=branch)


class EditRefused(Invalid):
    """The edit breaks rules of the label model; `violations` names key, annotation, field and reason of each."""

    code = "invalid_edit"
    template = "{count} labels were refused; the first: {first}"

    def __init__(self, violations: Sequence[Mapping[str, Any]]) -> None:
        first = violations[0] if violations else {}
        places = {name: first[name] for name in ("key", "annotation", "field") if first.get(name)}
        HubError.__init__(
            self,
            count=len(violations),
            first=first.get("reason", ""),
            violations=list(violations)[:1000],
            **places,
        )


class DigestNotYours(Invalid):
    """A write names bytes that its writer has not uploaded here and cannot read anywhere in the network."""

    code = "unknown_media"
    template = "The media {sha256} of {key!r} was not uploaded to this repository."

    def __init__(self, sha256: str, key: str) -> None:
        HubError.__init__(self, sha256=sha256, key=key, field="media.sha256")


class DigestMismatch(Invalid):
    code = "digest_mismatch"
    template = "The bytes have the SHA-256 {actual}, not {declared}."

    def __init__(self, declared: str, actual: str) -> None:
        HubError.__init__(self, declared=declared, actual=actual, field="sha256")


class MissingParts(Invalid):
    """An upload cannot be finished: these parts were not sent. `numbers` has the first hundred."""

    code = "missing_parts"
    template = "{count} of {wanted} parts were not sent, the first is part {first}."

    def __init__(self, numbers: Sequence[int], wanted: int) -> None:
        HubError.__init__(
            self,
            count=len(numbers),
            wanted=wanted,
            first=numbers[0],
            numbers=list(numbers)[:100],
            field="parts",
        )


class UploadOver(Conflict):
    """An upload takes no more bytes."""

    code = "upload_over"
    template = "The upload {name} is {state}."

    def __init__(self, name: str, state: str) -> None:
        HubError.__init__(self, name=name, state=state)


class TooManyUploads(Conflict):
    code = "too_many_uploads"
    template = "You have {limit} unfinished uploads in parts; finish or abort one of them first."

    def __init__(self, limit: int) -> None:
        HubError.__init__(self, limit=limit)


class Taken(Conflict):
    code = "taken"
    template = "The {what} {name!r} exists already."

    def __init__(self, what: str, name: str) -> None:
        HubError.__init__(self, what=what, name=name)


class RefIsPrefix(Conflict):
    code = "ref_is_prefix"
    template = "{name!r} cannot exist beside {other!r}: one would be a folder of the other."

    def __init__(self, name: str, other: str) -> None:
        HubError.__init__(self, name=name, other=other)


class Kept(Conflict):
    """A deletion or a move that would break something others rely on."""

    code = "kept"
    template = "The {what} {name!r} stays: {reason}."

    def __init__(self, what: str, name: str, reason: str) -> None:
        HubError.__init__(self, what=what, name=name, reason=reason)


class RefMoved(Conflict):
    """Plain compare-and-set failed: the branch is at another commit than was expected."""

    code = "ref_moved"
    template = "{ref} is at {actual}, not at {expected}."

    def __init__(self, ref: str, expected: str, actual: str) -> None:
        HubError.__init__(self, ref=ref, expected=expected or "nothing", actual=actual or "nothing")
        self.ref, self.expected, self.actual = ref, expected, actual


class EditConflicts(Conflict):
    """The branch moved and the edit does not fit onto its new head; `conflicts` has each of them as data."""

    code = "edit_conflicts"
    template = "{count} conflicts between this edit and {head} on {branch}."

    def __init__(self, branch: str, base: str, head: str, conflicts: Sequence[Mapping[str, Any]]) -> None:
        HubError.__init__(
            self, branch=branch, base=base, head=head, count=len(conflicts), conflicts=list(conflicts)[:1000]
        )
        self.conflicts = list(conflicts)


class Diverged(Conflict):
    code = "diverged"
    template = "{branch} has commits of its own; merge instead of fast-forward."

    def __init__(self, branch: str) -> None:
        HubError.__init__(self, branch=branch)


class UploadTooLarge(TooLarge):
    def __init__(self, what: str, limit: int) -> None:
        super().__init__(what=what, limit=f"{limit} bytes")


class Busy(Unavailable):
    """The branch kept moving, or a lease ran out, more often than the server tries again. Safe to send again."""

    code = "busy"
    template = "{what} is changing too fast; try again."

    def __init__(self, what: str) -> None:
        super().__init__(what=what)
