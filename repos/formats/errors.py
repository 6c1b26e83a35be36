"""Errors of readers, writers and archives. A bad record is a Refusal (data); these stop a whole file or
source."""

from __future__ import annotations

from repos.labelstore.errors import LabelStoreError


class FormatError(LabelStoreError):
    """A file as a whole cannot be read or written: which file, where, why, and what a reader expected there."""

    template = "{file}, line {line}: {reason}"

    def __init__(
        self, file: str, reason: str, line: int | None = None, expected: str = "a whole file of this format"
    ) -> None:
        super().__init__(file=file, reason=reason, line="?" if line is None else line)
        self.file, self.reason, self.line, self.expected = file, reason, line, expected


class UnknownFormat(LabelStoreError):
    """No format of this name; `known` lists those there are."""

    template = "no format {name!r}; known are {known}"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name=name, known=", ".join(known))
        self.name, self.known = name, known


class BadOption(LabelStoreError):
    """An option of a reader or writer is unknown or has a wrong value."""

    template = "option {option!r}: expected {expected}, got {value!r}"

    def __init__(self, option: str, value: object, expected: str) -> None:
        super().__init__(option=option, value=value, expected=expected)
        self.option, self.value, self.expected = option, value, expected


class SourceError(LabelStoreError):
    """Root of what is wrong with an archive or folder; `member` names the entry, "" the archive itself."""

    template = "{member!r}: {reason}"

    def __init__(self, member: str, reason: str, **data: object) -> None:
        super().__init__(member=member, reason=reason, **data)
        self.member, self.reason = member, reason


class MissingMember(SourceError):
    """The source has no file of this name."""

    def __init__(self, member: str) -> None:
        super().__init__(member, "no such file")


class UnsafeName(SourceError):
    """A name that is absolute, leaves the archive, is empty or holds control characters."""


class LinkMember(SourceError):
    """A symbolic or hard link, a device or a pipe: only plain files are read."""


class DuplicateMember(SourceError):
    """Two entries of one name: which of them counts is a guess nobody should make."""

    def __init__(self, member: str) -> None:
        super().__init__(member, "the archive holds this name twice")


class EncryptedMember(SourceError):
    """A member that needs a password."""

    def __init__(self, member: str) -> None:
        super().__init__(member, "the member is encrypted")


class DamagedArchive(SourceError):
    """The archive or one member cannot be decoded: truncated, wrong checksum, overlapping entries."""


class SizeMismatch(SourceError):
    """A member does not hold as many bytes as the archive declares."""

    template = "{member!r}: declared {declared} bytes, {reason}"

    def __init__(self, member: str, declared: int, reason: str) -> None:
        super().__init__(member, reason, declared=declared)
        self.declared = declared


class LimitExceeded(SourceError):
    """A limit on members, sizes or compression ratio; `limit` names it (a field of Limits)."""

    template = "{member!r}: {value} is above the limit {limit} of {allowed}"

    def __init__(self, member: str, limit: str, value: float, allowed: float) -> None:
        super().__init__(member, f"above {limit}", limit=limit, value=value, allowed=allowed)
        self.limit, self.value, self.allowed = limit, value, allowed


class MediaError(LabelStoreError):
    """Media that cannot be decoded: `code` is one of truncated, bomb, unknown, damaged."""

    template = "{what}: {reason}"

    def __init__(self, what: str, code: str, reason: str) -> None:
        super().__init__(what=what, reason=reason)
        self.what, self.code, self.reason = what, code, reason
