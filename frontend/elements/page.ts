// Habits of the whole page: "/" goes to the search, other data-hotkey letters to their element, one open menu at a time.

import { isTyping } from "../lib/keys";

function hotkey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key.length !== 1 || document.querySelector("dialog[open]")) return;
  const target = document.querySelector<HTMLElement>(`[data-hotkey="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
}

function closeMenus(except: EventTarget | null): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!(except instanceof Node && menu.contains(except))) menu.open = false;
  }
}

export function readyPage(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(null);
    else hotkey(event);
  });
  document.addEventListener("click", (event) => closeMenus(event.target));
}
