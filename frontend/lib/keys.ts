// Single-key commands: off while someone types, off with a modifier. One table per element, which is also its help.

import { h } from "./dom";

export interface KeyCommand {
  keys: string[];
  text: string;
  run?: (event: KeyboardEvent) => void;
}

const TYPING = "input:not([type=checkbox],[type=radio],[type=range],[type=button]), textarea, select, [contenteditable=true]";

export const isTyping = (target: EventTarget | null): boolean => target instanceof Element && target.matches(TYPING);

export function listenKeys(commands: () => readonly KeyCommand[], signal: AbortSignal): void {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const command = commands().find((each) => each.run && each.keys.includes(event.key));
      if (!command?.run) return;
      event.preventDefault();
      command.run(event);
    },
    { signal },
  );
}

const SHOWN: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del", "-": "−", "=": "+" };

export const keycap = (key: string): HTMLElement => h("kbd", {}, SHOWN[key] ?? key);

export function showHelp(commands: readonly KeyCommand[]): void {
  const list = h("dl", { class: "kd" });
  for (const { keys, text } of commands) list.append(h("dt", {}, ...[...new Set(keys.map((key) => SHOWN[key] ?? key))].map(keycap)), h("dd", {}, text));
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
