"""axe-core, the measure of accessibility: contrast, names, labels, landmarks, order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SOURCE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async rules => {
  const only = rules ? { runOnly: { type: 'rule', values: rules } } : {};
  const seen = await axe.run(document, { ...only, resultTypes: ['violations'] });
  return seen.violations.map(each => ({ rule: each.id, nodes: each.nodes.map(node => [
    node.target.flat().join(' >> '), (node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? '' ]) }));
}"""
SHOWN = 3  # nodes that are named of each violation


@cache
def source() -> str:
    """Given through the debugger's door, which the content security policy does not guard."""
    return SOURCE.read_text(encoding="utf-8")


def told(violation: dict[str, Any]) -> str:
    """`color-contrast (12): .lab: insufficient contrast of 3.9; ...`"""
    nodes = violation["nodes"]
    named = "; ".join(f"{target}: {message}" for target, message in nodes[:SHOWN])
    return f"{violation['rule']} ({len(nodes)}): {named}"


def violations(page: Page, rules: Sequence[str] | None = None) -> list[str]:
    """What the rules (all by default) find on the page as it is now."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(source())
    return [told(each) for each in page.evaluate(RUN, rules and list(rules))]
