"""One line of a table. Python's writer leaves a bare carriage return unquoted, and its reader then ends the
row there."""

from __future__ import annotations

from collections.abc import Iterable


def csv_line(cells: Iterable[object], separator: str = ",") -> bytes:
    """Cells with quotes where they need them, ended by a line feed."""
    return (separator.join(_quoted(str(cell), separator) for cell in cells) + "\n").encode("utf-8", "replace")


def _quoted(cell: str, separator: str) -> str:
    if any(c in cell for c in ('"', separator, "\n", "\r")) or cell != cell.strip():
        return '"' + cell.replace('"', '""') + '"'
    return cell
