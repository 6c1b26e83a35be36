"""XML of label files as a small tree with line numbers, by expat, with nothing that expat could be abused
for.

A document type, an entity or more than `MAX_DEPTH` levels or `MAX_NODES` elements is a FormatError. Cost:
linear.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from repos.formats.errors import FormatError

MAX_DEPTH = 64
MAX_NODES = 2_000_000
WHOLE = "one whole XML document"
_LIMITS = f"at most {MAX_DEPTH} levels and {MAX_NODES} elements"


@dataclass(slots=True)
class Node:
    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def find(self, tag: str) -> Node | None:
        return next((child for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> Iterator[Node]:
        return (child for child in self.children if child.tag == tag)

    def get(self, tag: str) -> str | None:
        """Stripped text of the first child of this tag; None when absent or empty."""
        child = self.find(tag)
        return (child.text.strip() or None) if child is not None else None


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.root: Node | None = None
        self.stack: list[Node] = []
        self.nodes = 0
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.StartDoctypeDeclHandler = self.forbid
        self.parser.EntityDeclHandler = self.forbid

    def forbid(self, *_: object) -> None:
        raise FormatError(
            self.file,
            "a document type or entity declaration is not allowed",
            self.parser.CurrentLineNumber,
            "elements and text alone",
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        node = Node(tag, self.parser.CurrentLineNumber, attributes)
        self.nodes += 1
        if len(self.stack) >= MAX_DEPTH or self.nodes > MAX_NODES:
            raise FormatError(self.file, "too deeply nested or too many elements", node.line, _LIMITS)
        if self.stack:
            self.stack[-1].children.append(node)
        else:
            self.root = node
        self.stack.append(node)

    def end(self, _: str) -> None:
        self.stack.pop()

    def data(self, text: str) -> None:
        if self.stack:
            self.stack[-1].text += text


def parse_xml(file: str, data: bytes) -> Node:
    """The root element. FormatError with the line when the document is not well-formed or not allowed."""
    builder = _Builder(file)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise FormatError(
            file, f"not well-formed XML ({expat.ErrorString(error.code)})", error.lineno, WHOLE
        ) from None
    except (LookupError, ValueError) as error:
        raise FormatError(file, f"not readable XML ({error})", expected=WHOLE) from None
    if builder.root is None:
        raise FormatError(file, "no element in the file", 1, WHOLE)
    return builder.root


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}


def escape(text: str) -> str:
    """Text for an element. Control characters that XML 1.0 cannot hold become U+FFFD."""
    kept = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in text)
    return "".join(_ESCAPES.get(c, c) for c in kept)
