// Habits of the whole page: "/" goes to the search, other data-hotkey letters to their element, one open menu at a time,
// and a failed action says so.

import { h, icon } from "../lib/dom";
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

const REASONS: Record<number, string> = {
  0: "The server could not be reached. Nothing was changed; try again.",
  401: "Sign in to do this.",
  403: "You may not do this, or the page is too old: load it again.",
  404: "This does not exist any more. Load the page again.",
  409: "Somebody else changed this meanwhile. Load the page again.",
  429: "That was too often. Wait a minute and try again.",
};

export function toast(text: string): void {
  document.querySelector(".toast")?.remove();
  const node = h("div", { class: "flash err toast", role: "alert" }, icon("alert"), h("span", { class: "grow" }, text));
  document.body.append(node);
  setTimeout(() => node.remove(), 8000);
}

interface HtmxDetail {
  ctx?: { response?: { status?: number }; request?: { method?: string } };
}

/** Polls fail silently and come again; an action of the reader does not. */
function failed(event: Event): void {
  const { ctx } = (event as CustomEvent<HtmxDetail>).detail ?? {};
  if ((ctx?.request?.method ?? "GET").toUpperCase() === "GET") return;
  const status = ctx?.response?.status ?? 0;
  const reason = REASONS[status] ?? (status >= 500 ? "The server failed. Nothing more was changed; try again." : null);
  if (reason) toast(reason);
}

/** Where the tabs are wider than the window, the current one is in the middle of what is seen. */
function showTabs(): void {
  for (const tab of document.querySelectorAll<HTMLElement>(".tabs > [aria-current]")) {
    const row = tab.parentElement as HTMLElement;
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }
}

export function readyPage(): void {
  showTabs();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus(null);
    else hotkey(event);
  });
  for (const event of window.labelhubKeys ?? []) hotkey(event); // pressed before this script was there
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:after:request", (event) => {
    if (((event as CustomEvent<HtmxDetail>).detail?.ctx?.response?.status ?? 200) >= 400) failed(event);
  });
}
