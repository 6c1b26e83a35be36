// Single-key commands: off while someone types, off with a modifier. One table per element, which is also its help.

import { h } from "./dom";

export interface KeyCommand {
  keys: string[];
  text: string;
  /** What of the page the command presses: where there is no such thing, the help leaves the command out. */
  needs?: string;
  run?: (event: KeyboardEvent) => void;
}

const TYPING = "input:not([type=checkbox],[type=radio],[type=range],[type=button]), textarea, select, [contenteditable=true]";

export const isTyping = (target: EventTarget | null): boolean => target instanceof Element && target.matches(TYPING);

declare global {
  interface Window {
    /** Filled by early.js while an element that works with keys is on its way. */
    labelhubKeys?: KeyboardEvent[];
  }
}

/** Keys reach the element from here on: those pressed while it was fetched first, in their order. */
export function listenKeys(element: HTMLElement, commands: () => readonly KeyCommand[], signal: AbortSignal): void {
  const run = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const command = commands().find((each) => each.run && each.keys.includes(event.key));
    if (!command?.run) return;
    event.preventDefault();
    command.run(event);
  };
  document.addEventListener("keydown", run, { signal });
  element.removeAttribute("aria-busy");
  if (signal.aborted) return;
  for (const event of window.labelhubKeys?.splice(0) ?? []) run(event);
}

const SHOWN: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del", "-": "−", "=": "+" };

export const keycap = (key: string): HTMLElement => h("kbd", {}, SHOWN[key] ?? key);

export function showHelp(commands: readonly KeyCommand[]): void {
  const list = h("dl", { class: "kd" });
  for (const { keys, text } of commands.filter(({ needs }) => !needs || document.querySelector(needs))) list.append(h("dt", {}, ...[...new Set(keys.map((key) => SHOWN[key] ?? key))].map(keycap)), h("dd", {}, text));
  const close = h("button", { class: "btn" }, "Close");
  const dialog = h("dialog", { "aria-label": "Keyboard shortcuts" }, h("form", { method: "dialog" }, h("header", {}, h("b", {}, "Keyboard shortcuts")), h("div", { class: "body" }, list), h("footer", {}, close)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Clicks the first element of the page that matches, so that keys and buttons do the same thing. */
export function press(selector: string, root: ParentNode = document): boolean {
  const target = root.querySelector<HTMLElement>(selector);
  target?.click();
  return Boolean(target);
}
