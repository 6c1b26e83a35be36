// Drawing annotations and changes into a stage's layer. A shape is a casing under a line, so that it reads on any pixel.

import type { Annotation, Change } from "../types/annotations";
import { isShifted, markKind, MARKS, sentence, tagText } from "../lib/changes";
import type { Classes } from "../lib/colours";
import { h, icon, s } from "../lib/dom";
import { bounds, dots, isFilled, moveArrow, type Rect, shapePath, type Size } from "../lib/geometry";

const filled = (d: string): SVGPathElement => s("path", { class: "fl", d, "fill-rule": "evenodd" });

function keypointDots(annotation: Annotation, size: Size): SVGElement[] {
  return dots(annotation, size).flatMap(({ x, y, hidden }) => [
    s("path", { class: "pc", d: `M${x} ${y}h0` }),
    s("path", { class: hidden ? "pt hid" : "pt", d: `M${x} ${y}h0` }),
  ]);
}

/** A tracked box leaves the way of its centre. */
function trackWay(annotation: Annotation, size: Size): string {
  const track = annotation.geometry?.track;
  if (!track) return "";
  const [sx, sy] = track.frame === "relative" ? [size.width, size.height] : [1, 1];
  return `M${track.frames.map(([, x, y, w, hh]) => `${(x + w / 2) * sx} ${(y + hh / 2) * sy}`).join("L")}`;
}

/** One annotation in its class colour; `layer` 0 to 3 picks the line: solid, dashed, dash-dot, dotted. */
export function drawShape(annotation: Annotation, size: Size, classes: Classes, layer = 0): SVGGElement | null {
  const d = shapePath(annotation, size);
  const points = keypointDots(annotation, size);
  if (!d && !points.length) return null;
  const group = s("g", { class: `sh bx l${Math.min(layer, 3)}`, "data-id": annotation.id, style: `--c:${classes.colour(annotation)}` });
  if (d) {
    if (isFilled(annotation)) group.append(filled(d));
    group.append(s("path", { class: "cs", d }), s("path", { class: "ln", d }));
  }
  const way = trackWay(annotation, size);
  if (way) group.append(s("path", { class: "ln", d: way }));
  group.append(...points);
  return group;
}

/** What did not change: a white hairline, no class colour. One path for all of them. */
export function drawContext(annotations: readonly Annotation[], size: Size): SVGGElement {
  const d = annotations.map((each) => shapePath(each, size)).join("");
  const points = annotations.flatMap((each) => dots(each, size)).map(({ x, y }) => `M${x} ${y}h0`).join("");
  const group = s("g", { class: "ctx" }, s("path", { class: "cs", d }), s("path", { class: "ln", d }));
  if (points) group.append(s("path", { class: "pc", d: points }));
  return group;
}

/** A dot of a changed keypoint annotation, in the colour of its kind. */
function markDots(annotation: Annotation, size: Size): SVGElement[] {
  return keypointDots(annotation, size).map((node) => {
    node.setAttribute("style", "--c:var(--m)");
    return node;
  });
}


function ghost(before: Annotation, size: Size): SVGElement[] {
  const d = shapePath(before, size);
  return d ? [s("path", { class: "gc", d }), s("path", { class: "gh", d })] : [];
}

/** The arrow of a move, with a head, both in sample pixels; `pixel` is the size of one screen pixel. */
function arrow(before: Annotation, after: Annotation, size: Size, pixel: number): SVGElement[] {
  const [from, to] = [bounds(before, size), bounds(after, size)];
  const line = from && to && moveArrow(from, to, 24 * pixel);
  if (!line) return [];
  const angle = Math.atan2(line.to[1] - line.from[1], line.to[0] - line.from[0]);
  const wing = (turn: number): string => {
    const a = angle + Math.PI + turn;
    return `${line.to[0] + Math.cos(a) * 9 * pixel} ${line.to[1] + Math.sin(a) * 9 * pixel}`;
  };
  const d = `M${line.from.join(" ")}L${line.to.join(" ")}M${wing(0.6)}L${line.to.join(" ")}L${wing(-0.6)}`;
  return [s("path", { class: "arrow-case", d }), s("path", { class: "arrow", d })];
}

export type Side = "both" | "before" | "after";

/** One change on the picture. `side` draws only what stood there before, or stands there after. */
export function drawChange(change: Change, size: Size, side: Side, pixel: number): SVGGElement | null {
  const kind = markKind(change);
  const { before, after } = change;
  if ((side === "before" && !before) || (side === "after" && !after)) return null;
  const shown = side === "before" ? before : (after ?? before);
  if (!shown) return null;
  const d = shapePath(shown, size);
  const points = markDots(shown, size);
  if (!d && !points.length) return null;
  const group = s("g", { class: `mk ${kind}` });
  const shifted = side === "both" && before && after && isShifted(change);
  if (shifted) {
    const old = s("g", { class: "mk mov" }, ...ghost(before, size));
    group.append(old);
  }
  if (isFilled(shown) && kind !== "mov") group.append(filled(d));
  const old = side === "before" && kind === "mov";
  group.append(s("path", { class: old ? "gc" : "cs", d }), s("path", { class: old ? "gh" : "ln", d }));
  if (kind === "rel") group.append(s("path", { class: "in", d }));
  if (shifted) group.append(...arrow(before, after, size, pixel));
  group.append(...points);
  return group;
}

export function drawSuggestion(annotation: Annotation, size: Size): SVGGElement | null {
  const d = shapePath(annotation, size);
  return d ? s("g", { class: "mk sug" }, s("path", { class: "cs", d }), s("path", { class: "ln", d })) : null;
}

export function changeTag(change: Change, number: number, side: Side = "both"): HTMLButtonElement {
  const kind = markKind(change);
  const text = side === "before" ? (change.class_before ?? change.before?.class ?? tagText(change)) : tagText(change);
  return h("button", { type: "button", class: `tag ${kind}`, "data-change": number, title: sentence(change), tabindex: -1 }, h("b", {}, String(number)), icon(MARKS[kind].icon), text, h("span", { class: "vh" }, `, ${sentence(change)}`));
}

export function changeBounds(change: Change, size: Size, side: Side): Rect | null {
  const shown = side === "before" ? change.before : side === "after" ? change.after : (change.after ?? change.before);
  const rect = shown ? bounds(shown, size) : null;
  if (side !== "both" || !rect || !change.before || !change.after || !isShifted(change)) return rect;
  const old = bounds(change.before, size);
  if (!old) return rect;
  const [x, y] = [Math.min(rect.x, old.x), Math.min(rect.y, old.y)];
  return { x, y, w: Math.max(rect.x + rect.w, old.x + old.w) - x, h: Math.max(rect.y + rect.h, old.y + old.h) - y };
}

