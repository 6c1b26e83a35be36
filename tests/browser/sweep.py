"""Looking at pages: open one, wait until it is quiet, and say what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass
class Watch:
    """A page with an ear at its console, its requests and its content security policy."""

    page: Page
    heard: list[str] = field(default_factory=list)

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

    def visit(self, url: str, picture: Path | None = None, status: int = 200) -> list[str]:
        """What is wrong with the page at `url`; its picture is kept when a file is named."""
        self.heard.clear()
        answer = self.page.goto(url)
        self.page.wait_for_load_state("networkidle")
        found = list(self.heard)
        if answer is None or answer.status != status:
            found.append(f"status {answer.status if answer else 'none'}, not {status}")
        if self.page.evaluate("() => window.cspReports ?? []"):
            found.append(f"policy: {self.page.evaluate('() => window.cspReports')}")
        found += self.page.evaluate(TOO_WIDE)
        if picture is not None:
            picture.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=picture, full_page=True)
        return [f"{url}: {each}" for each in found]
