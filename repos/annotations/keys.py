"""Keys of samples, paths of files, names of layers: what they may be, and which may not stand beside each other.

A key is UTF-8 of 1 to 1,024 bytes, path-like, kept as given and compared as bytes. Beside each other may not stand
(1) twins, equal under NFC + casefold, (2) a key and a key inside it as a folder, (3) a sample and a file of one path.
How that is checked at the cost of the change: (3) and the folders above a new key are point reads; what lies below
"key/" is one comparison of ranks; twins are found through the *odd index*, a tree of the snapshot that maps the folded
form of every key that is not its own folded form to that key. Plain lower case names are not in it and cost nothing.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator

from repos.annotations.errors import InvalidValue

MAX_KEY_BYTES = 1024
RULES = (
    "a path of 1 to 1024 bytes of UTF-8 without leading '/', empty, '.' or '..' parts or control characters"
)


def key_problem(key: str) -> str | None:
    """Why a text is no key, or None."""
    try:
        raw = key.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate, which UTF-8 cannot say"
    if not raw or len(raw) > MAX_KEY_BYTES:
        return f"has {len(raw)} bytes, not 1 to {MAX_KEY_BYTES}"
    if raw.isascii() and key.isprintable():
        plain = "//" not in key and "/." not in key and key[0] not in "/." and key[-1] != "/"
        if plain:
            return None
    elif any(unicodedata.category(ch) == "Cc" for ch in key):
        return "holds a control character"
    if key[0] == "/":
        return "begins with '/'"
    parts = key.split("/")
    if "" in parts:
        return "has an empty part"
    if "." in parts or ".." in parts:
        return "has a part '.' or '..'"
    return None


def check_key(key: str) -> bytes:
    """The bytes of a key; InvalidValue when it breaks the rules."""
    if (problem := key_problem(key)) is not None:
        raise InvalidValue("key", key, f"{RULES} (it {problem})")
    return key.encode()


def layer_problem(name: str) -> str | None:
    """Why a text is no layer name: the rules of a key, at most 128 bytes."""
    problem = key_problem(name)
    if problem is None and len(name.encode()) > 128:
        return "has more than 128 bytes"
    return problem


def folded(key: bytes) -> bytes:
    """NFC + casefold of a key; long results are cut and closed with a digest, so that they stay keys of a tree."""
    if key.isascii():
        return key.lower()
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", key.decode()).casefold())
    raw = text.encode()
    if len(raw) <= MAX_KEY_BYTES:
        return raw
    return raw[:900] + hashlib.sha256(raw).hexdigest().encode()


def is_odd(key: bytes) -> bool:
    """Whether a key is not its own folded form."""
    return folded(key) != key


def folders_above(key: bytes) -> Iterator[bytes]:
    """`a` and `a/b` for `a/b/c`."""
    at = key.find(b"/")
    while at >= 0:
        yield key[:at]
        at = key.find(b"/", at + 1)


def all_folders(keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """Every folder above some key, with the first key in it. O(keys), each folder looked at once."""
    found: dict[bytes, bytes] = {}
    for key in keys:
        at = key.rfind(b"/")
        while at >= 0 and key[:at] not in found:
            found[key[:at]] = key
            at = key.rfind(b"/", 0, at)
    return found
