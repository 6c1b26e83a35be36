"""Looking at pages: open some, wait until each is quiet, and say what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, ViewportSize

from tests.browser import axe

VIOLATIONS = "addEventListener('securitypolicyviolation', e => (window.cspReports ??= []).push(e.blockedURI))"
# The document and every box that a reader is meant to see whole; panes with a scroll bar of their own are fine.
TOO_WIDE = """async () => {
  await new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));  // what a new look sets off
  const page = document.documentElement, wide = page.scrollWidth - page.clientWidth;
  if (wide <= 0) return [];
  const edge = page.clientWidth + 1, found = [];
  const cut = new Set(['auto', 'scroll', 'hidden', 'clip']);
  const held = node => node && node !== document.body
    && (cut.has(getComputedStyle(node).overflowX) || held(node.parentElement));
  for (const node of document.body.querySelectorAll('*')) {
    const box = node.getBoundingClientRect();
    if (found.length < 3 && box.width && box.right > edge && !held(node.parentElement))
      found.push(`${node.tagName.toLowerCase()}.${node.getAttribute('class')} reaches ${Math.round(box.right)}`);
  }
  return [`${wide} px wider than the window`, ...found];
}"""
TABS = 6  # a page is quiet after half a second without a request: six of them are waited for at once


@dataclass(frozen=True)
class Look:
    """How a page is looked at: the colours asked for, and the window."""

    scheme: Literal["light", "dark"]
    window: ViewportSize


DESK, TELEPHONE = ViewportSize(width=1360, height=1000), ViewportSize(width=360, height=740)
LOOKS = {
    "light": Look("light", DESK),
    "dark": Look("dark", DESK),
    "narrow": Look("light", TELEPHONE),
}
# Of axe: all of its rules once, then those that depend on colours, or on what is hidden.
RULES: dict[str, tuple[str, ...] | None] = {
    "light": None,
    "dark": ("color-contrast", "link-in-text-block"),
    "narrow": ("button-name", "label", "link-name", "scrollable-region-focusable"),
}


@dataclass(frozen=True)
class Visit:
    """An address, the status it must have, and where its pictures are kept when they are."""

    url: str
    pictures: Mapping[str, Path] = field(default_factory=dict)
    status: int = 200
    measured: bool = False  # by axe


def sweep(context: BrowserContext, visits: Sequence[Visit], first: str = "light") -> list[str]:
    """What is wrong with each of the pages, seen in a few tabs of one browser.

    A page is loaded in the look that is `first` and changed to the others: to load it anew for each costs three times
    as much.
    """
    looks = {first: LOOKS[first], **LOOKS}
    watches, found, left = [Watch(context.new_page(), looks) for _ in range(TABS)], list[str](), iter(visits)
    while batch := list(islice(left, TABS)):
        opened = list(zip(watches, batch, strict=False))
        for watch, visit in opened:
            watch.open(visit)
        for watch, visit in opened:
            found += watch.faults(visit)
    return found


@dataclass
class Watch:
    """A page with an ear at its console, its requests and its content security policy."""

    page: Page
    looks: Mapping[str, Look]
    heard: list[str] = field(default_factory=list)
    answer: Response | None = None

    def __post_init__(self) -> None:
        self.page.add_init_script(VIOLATIONS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.heard.append(f"exception: {error}"))
        self.page.on("response", self._response)
        self.page.on("requestfailed", self._failed)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.heard.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.heard.append(f"{response.status}: {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.heard.append(f"failed: {request.url} {request.failure}")

    def open(self, visit: Visit) -> None:
        """Returns when the answer begins; the page goes on loading."""
        self.heard.clear()
        self._change(next(iter(self.looks.values())))
        self.answer = self.page.goto(visit.url, wait_until="commit")

    def _change(self, look: Look) -> None:
        self.page.emulate_media(color_scheme=look.scheme)
        if self.page.viewport_size != look.window:
            self.page.set_viewport_size(look.window)

    def faults(self, visit: Visit) -> list[str]:
        """Of the page that was opened, once it is quiet, in every look; pictures are kept where files are named."""
        self.page.wait_for_load_state("networkidle")
        found = []
        if self.answer is None or self.answer.status != visit.status:
            found.append(f"status {self.answer.status if self.answer else 'none'}, not {visit.status}")
        for name, look in self.looks.items():
            self._change(look)
            found += [f"{name}: {each}" for each in self.page.evaluate(TOO_WIDE)]
            if visit.measured:
                found += [f"{name}: {each}" for each in axe.violations(self.page, RULES[name])]
            if name in visit.pictures:
                visit.pictures[name].parent.mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=visit.pictures[name], full_page=True)
        if self.page.evaluate("() => window.cspReports ?? []"):
            found.append(f"policy: {self.page.evaluate('() => window.cspReports')}")
        return [f"{visit.url}: {each}" for each in [*self.heard, *found]]
