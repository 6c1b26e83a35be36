// <lh-theme>: system, light or dark; stored for early.js, which sets it before the next page is painted.

import { h, icon } from "../lib/dom";

const KEY = "labelhub.theme";
const CHOICES = [
  ["system", "device-desktop", "System"],
  ["light", "sun", "Light"],
  ["dark", "moon", "Dark"],
] as const;

class ThemeToggle extends HTMLElement {
  connectedCallback(): void {
    const chosen = document.documentElement.dataset["theme"] ?? "system";
    const group = h("span", { class: "seg", role: "group", "aria-label": "Theme" });
    for (const [value, picture, text] of CHOICES) {
      const button = h("button", { type: "button", "aria-pressed": String(value === chosen) }, icon(picture), text);
      button.addEventListener("click", () => this.choose(value, group, button));
      group.append(button);
    }
    this.replaceChildren(group);
  }

  private choose(value: string, group: Element, button: Element): void {
    for (const each of group.children) each.setAttribute("aria-pressed", String(each === button));
    if (value === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = value;
    try {
      if (value === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, value);
    } catch {
      // Storage is off: the choice holds for this page.
    }
  }
}

customElements.define("lh-theme", ThemeToggle);
