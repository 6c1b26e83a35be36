// The one entry of every page. Small elements load at once; a viewer or the editor is fetched when the page has one.

import "./styles/main.css";
import "htmx.org";
import "@github/relative-time-element";
import "./elements/lh-confirm";
import "./elements/lh-copy";
import "./elements/lh-filter";
import "./elements/lh-theme";
import { readyPage } from "./elements/page";

const LAZY: Record<string, () => Promise<unknown>> = {
  "lh-viewer": () => import("./elements/lh-viewer"),
  "lh-diff-viewer": () => import("./elements/lh-diff-viewer"),
  "lh-editor": () => import("./elements/lh-editor"),
  "lh-thumb": () => import("./elements/lh-thumb"),
  "lh-upload": () => import("./elements/lh-upload"),
};

function loadPresent(): void {
  for (const [tag, load] of Object.entries(LAZY)) {
    if (!customElements.get(tag) && document.querySelector(tag)) void load();
  }
}

readyPage();
loadPresent();
document.addEventListener("htmx:after:swap", loadPresent);
