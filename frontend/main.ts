// The one entry of every page. Small elements load at once; a viewer or the editor is fetched when the page has one.

import "./styles/main.css";
import "htmx.org";
import "@github/relative-time-element";
import "./elements/lh-confirm";
import "./elements/lh-copy";
import "./elements/lh-filter";
import "./elements/lh-theme";
import { readyPage, toast } from "./elements/page";

const LAZY: Record<string, () => Promise<unknown>> = {
  "lh-viewer": () => import("./elements/lh-viewer"),
  "lh-diff-viewer": () => import("./elements/lh-diff-viewer"),
  "lh-editor": () => import("./elements/lh-editor"),
  "lh-thumb": () => import("./elements/lh-thumb"),
  "lh-upload": () => import("./elements/lh-upload"),
};

const ISLAND = ':scope > script[type="application/json"]';
const WORKED_WITH_KEYS = new Set(["lh-viewer", "lh-diff-viewer", "lh-editor"]);

/** Busy until the element listens, which early.js keeps keys for and the style tells; a failed fetch says so. */
async function load(tag: string, fetchElement: () => Promise<unknown>): Promise<void> {
  const present = [...document.querySelectorAll<HTMLElement>(tag)];
  if (customElements.get(tag) || !present.length) return;
  if (WORKED_WITH_KEYS.has(tag)) {
    for (const element of present.filter((each) => each.querySelector(ISLAND))) {
      element.dataset["keys"] = "";
      element.setAttribute("aria-busy", "true");
    }
  }
  try {
    await fetchElement();
  } catch {
    toast("A part of this page could not be fetched. Load the page again.");
  }
  for (const element of customElements.get(tag) ? [] : present) element.removeAttribute("aria-busy");
}

function loadPresent(): void {
  for (const [tag, fetchElement] of Object.entries(LAZY)) void load(tag, fetchElement);
}

readyPage();
loadPresent();
if (!document.querySelector("[aria-busy=true][data-keys]")) window.labelhubKeys?.splice(0);
document.addEventListener("htmx:after:swap", loadPresent);
