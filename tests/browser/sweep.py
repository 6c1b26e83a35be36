"""Looking at pages: open some, wait until each is quiet, and say what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

VIOLATIONS = "addEventListener('securitypolicyviolation', e => (window.cspReports ??= []).push(e.blockedURI))"
# The document and every box that a reader is meant to see whole; panes with a scroll bar of their own are fine.
TOO_WIDE = """() => {
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
class Visit:
    """An address, the status it must have, and where its picture is kept when it is."""

    url: str
    picture: Path | None = None
    status: int = 200


def sweep(context: BrowserContext, visits: Sequence[Visit]) -> list[str]:
    """What is wrong with each of the pages, seen in a few tabs of one browser."""
    watches, found, left = [Watch.of(context) for _ in range(TABS)], list[str](), iter(visits)
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
    heard: list[str] = field(default_factory=list)
    answer: Response | None = None

    @classmethod
    def of(cls, context: BrowserContext) -> Watch:
        page = context.new_page()
        page.add_init_script(VIOLATIONS)
        watch = cls(page)
        page.on("console", watch._console)
        page.on("pageerror", lambda error: watch.heard.append(f"exception: {error}"))
        page.on("response", watch._response)
        page.on("requestfailed", watch._failed)
        return watch

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
        self.answer = self.page.goto(visit.url, wait_until="commit")

    def faults(self, visit: Visit) -> list[str]:
        """Of the page that was opened, once it is quiet; its picture is kept when a file is named."""
        self.page.wait_for_load_state("networkidle")
        found = list(self.heard)
        if self.answer is None or self.answer.status != visit.status:
            found.append(f"status {self.answer.status if self.answer else 'none'}, not {visit.status}")
        if self.page.evaluate("() => window.cspReports ?? []"):
            found.append(f"policy: {self.page.evaluate('() => window.cspReports')}")
        found += self.page.evaluate(TOO_WIDE)
        if visit.picture is not None:
            visit.picture.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=visit.picture, full_page=True)
        return [f"{visit.url}: {each}" for each in found]
