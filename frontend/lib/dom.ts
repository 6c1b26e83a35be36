// Building elements without strings of HTML: data only ever becomes text nodes and attributes.

import icons from "../icons/elements.json";

export type IconName = keyof typeof icons;
type Attributes = Record<string, string | number | boolean | null | undefined>;
type Child = Node | string | null | undefined | false;

const SVG = "http://www.w3.org/2000/svg";

function fill(node: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") (node as HTMLElement | SVGElement).style.cssText = String(value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) node.append(child);
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  fill(node, attributes, children);
  return node;
}

export function s<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, tag);
  fill(node, attributes, children);
  return node;
}

const parsed = new Map<string, Element[]>();

/** Our own icon markup, parsed once and cloned; never data. */
export function icon(name: IconName | string, size: 12 | 16 = 16): SVGSVGElement {
  let parts = parsed.get(name);
  if (!parts) {
    const body = (icons as Record<string, string>)[name] ?? "";
    const read = new DOMParser().parseFromString(`<svg xmlns="${SVG}">${body}</svg>`, "image/svg+xml");
    parts = [...read.documentElement.children];
    parsed.set(name, parts);
  }
  const node = s("svg", { class: size === 12 ? "i s" : "i", viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true" });
  for (const part of parts) node.append(document.importNode(part, true));
  return node;
}

export function button(label: string, options: { icon?: string; text?: string; class?: string; key?: string }, run: (event: MouseEvent) => void): HTMLButtonElement {
  const title = options.key ? `${label} (${options.key})` : label;
  const node = h("button", { type: "button", class: options.class ?? "btn x ic q", "aria-label": options.text === label ? null : label, title });
  if (options.icon) node.append(icon(options.icon));
  if (options.text) node.append(options.text);
  node.addEventListener("click", run);
  return node;
}

/** The JSON island of an element: a child script of type application/json. */
export function readIsland<T>(element: Element): T | null {
  const script = element.querySelector(':scope > script[type="application/json"]');
  if (!script?.textContent) return null;
  return JSON.parse(script.textContent) as T;
}

export const swatch = (colour: string, name: string): HTMLSpanElement =>
  h("span", { class: "cls" }, h("span", { class: "dot", style: `--c:${colour}` }), name);

export function csrfToken(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  return meta || (/(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "");
}

export const cspNonce = (): string | undefined => document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content || undefined;

export const number = (value: number, digits = 1): string => String(Math.round(value * 10 ** digits) / 10 ** digits);

/** Scrolls the nearest scrolling ancestor, never the page, until the node is in its sight. */
export function showWithin(node: Element | null | undefined): void {
  let box = node?.parentElement ?? null;
  while (box && !(/auto|scroll/.test(getComputedStyle(box).overflowY) && box.scrollHeight > box.clientHeight)) box = box.parentElement;
  if (!node || !box || box === document.documentElement || box === document.body) return;
  const [inner, outer] = [node.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.top < outer.top) box.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) box.scrollTop += Math.min(inner.bottom - outer.bottom, inner.top - outer.top);
}
