// A text with marks: spans become runs, overlapping spans stack their underlines, a label stands where a span begins.

import { CodePoints } from "../lib/codepoints";
import { h, showWithin } from "../lib/dom";
import { cut, lanes } from "../lib/spans";

export interface TextMark {
  id: string;
  start: number;
  end: number;
  colour: string;
  /** Class of the underline: l0…l3 for layers, add, rem, mov, rel, chg, ghost, quiet for changes. */
  line: string;
  label: (Node | string)[] | null;
  title: string;
}

export interface TextPane {
  root: HTMLElement;
  points: CodePoints;
  select: (id: string | null) => void;
  /** The selected range in code points, or null. */
  selection: () => { start: number; end: number } | null;
}

export function textPane(text: string, marks: readonly TextMark[], pick: (id: string) => void): TextPane {
  const points = new CodePoints(text);
  const lane = lanes(marks);
  const byId = new Map(marks.map((mark) => [mark.id, mark]));
  const deepest = Math.max(0, ...lane.values());
  const root = h("div", { class: "tx", style: `--tx-line:${34 + deepest * 5}px`, tabindex: 0, role: "document", "aria-label": "Text with labels" });
  for (const run of cut(marks, points.length)) {
    for (const id of run.opens) {
      const mark = byId.get(id)!;
      if (mark.label) root.append(h("button", { type: "button", class: `lb ${mark.line}`, "data-id": id, style: `--c:${mark.colour}`, title: mark.title }, ...mark.label));
    }
    const piece = document.createTextNode(points.slice(run.start, run.end));
    if (!run.ids.length) {
      root.append(piece);
      continue;
    }
    const top = byId.get(innermost(run.ids, byId))!;
    const node = h("span", { class: `run ${top.line}${isChange(top.line) ? " dif" : ""}`, "data-id": top.id, "data-ids": run.ids.join(" "), style: `--c:${top.colour}`, title: top.title }, piece);
    for (const id of run.ids) {
      const mark = byId.get(id)!;
      node.append(h("span", { class: `u ${mark.line}`, style: `--c:${mark.colour};--lane:${lane.get(id) ?? 0}` }));
    }
    root.append(node);
  }
  root.addEventListener("click", (event) => {
    const target = (event.target as Element).closest<HTMLElement>("[data-id]");
    if (target?.dataset["id"] && document.getSelection()?.isCollapsed !== false) pick(target.dataset["id"]);
  });
  return { root, points, select: (id) => markSelected(root, id), selection: () => selectedRange(root, points) };
}

const isChange = (line: string): boolean => /^(add|rem|mov|rel|chg)/.test(line);

function innermost(ids: readonly string[], byId: Map<string, TextMark>): string {
  return ids.reduce((best, id) => {
    const [a, b] = [byId.get(best)!, byId.get(id)!];
    return b.end - b.start < a.end - a.start ? id : best;
  });
}

function markSelected(root: HTMLElement, id: string | null): void {
  for (const node of root.querySelectorAll<HTMLElement>("[data-id]")) {
    const ids = (node.dataset["ids"] ?? node.dataset["id"] ?? "").split(" ");
    node.classList.toggle("sel", id !== null && ids.includes(id));
  }
  showWithin(root.querySelector(".sel"));
}

/** DOM selection to code points: labels inside the text are not part of it. */
function selectedRange(root: HTMLElement, points: CodePoints): { start: number; end: number } | null {
  const selection = document.getSelection();
  if (!selection?.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!root.contains(range.commonAncestorContainer)) return null;
  const unit = (container: Node, offset: number): number => {
    const before = document.createRange();
    before.selectNodeContents(root);
    before.setEnd(container, offset);
    const copy = before.cloneContents();
    for (const label of copy.querySelectorAll(".lb")) label.remove();
    return copy.textContent?.length ?? 0;
  };
  return { start: points.toPoint(unit(range.startContainer, range.startOffset)), end: points.toPoint(unit(range.endContainer, range.endOffset)) };
}
