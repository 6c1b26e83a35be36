"""Text that people type into a pull request, checked before it reaches the database."""

from __future__ import annotations

from hub.errors import Invalid

BODY_LIMIT = 65_536


def checked(field: str, text: str, limit: int, *, needed: bool = True) -> str:
    """`text` as it was given; Invalid when it is empty though needed, too long, or holds what no database keeps."""
    if needed and not text.strip():
        raise Invalid(f"{field}: expected some words, got nothing", field=field)
    if len(text) > limit:
        raise Invalid(f"{field}: at most {limit} characters, got {len(text)}", field=field)
    bad = next((c for c in text if c == "\0" or "\ud800" <= c <= "\udfff"), None)
    if bad is not None:
        raise Invalid(f"{field}: the character U+{ord(bad):04X} cannot be kept", field=field)
    return text


def one_line(text: str) -> str:
    return " ".join(text.split())
