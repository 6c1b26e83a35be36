// Annotations in words: tooltips, list entries and the row of badges for what has no place on the medium.

import type { Annotation, Change } from "../types/annotations";
import { markKind, MARKS, sentence, tagText, valueText, word } from "../lib/changes";
import type { Classes } from "../lib/colours";
import { h, icon, number, swatch } from "../lib/dom";

export const shortId = (id: string): string => (id.length > 12 ? `${id.slice(0, 4)}-${id.slice(-4)}` : id);

export function geometryText(annotation: Annotation): string {
  const { box, polygon, mask, keypoints, span, segment, text, value, track } = annotation.geometry ?? {};
  const digits = box?.frame === "relative" ? 3 : 0;
  if (box) return `${number(box.w, digits)}×${number(box.h, digits)}${box.rotation ? ` ∠${number(box.rotation)}°` : ""}`;
  if (polygon) return `${polygon.parts.flat(2).length} points`;
  if (mask) return "mask";
  if (keypoints) return `${keypoints.points.filter(([, , v]) => v > 0).length} points`;
  if (span) return `${span.start}–${span.end}`;
  if (segment) return `${number(segment.start, 2)}–${number(segment.end, 2)} s`;
  if (text) return text.text;
  if (value) return number(value.value, 4);
  if (track) return `${track.frames.length} frames`;
  return "";
}

export function tipContent(annotation: Annotation, classes: Classes, layer: string | null, people: Record<string, string>): Node[] {
  const who = annotation.annotator ? (people[annotation.annotator] ?? annotation.annotator) : annotation.origin;
  const attributes = Object.entries(annotation.attributes ?? {}).map(([name, value]) => `${name}: ${String(value)}`);
  const lines = [
    h("b", {}, h("span", { class: "dot", style: `--c:${classes.colour(annotation)}` }), classes.name(annotation)),
    h("div", { class: "mono" }, [shortId(annotation.id), geometryText(annotation)].filter(Boolean).join(" · ")),
  ];
  if (attributes.length) lines.push(h("div", {}, attributes.join(", ")));
  const source = [layer, who, annotation.confidence === null || annotation.confidence === undefined ? null : `confidence ${annotation.confidence.toFixed(2)}`].filter(Boolean).join(" · ");
  if (source) lines.push(h("div", {}, source));
  return lines;
}

const PLACED = new Set(["box", "polygon", "mask", "keypoints", "track"]);

/** True when the annotation has its place on this medium, so that no badge is needed. */
export function isPlaced(annotation: Annotation, medium: "image" | "text" | "audio" | "none"): boolean {
  const { span, segment } = annotation.geometry ?? {};
  if (span) return medium === "text";
  if (segment) return medium === "audio";
  return PLACED.has(annotation.kind) || Boolean(annotation.geometry?.box ?? annotation.geometry?.polygon ?? annotation.geometry?.mask);
}

export function factBadge(annotation: Annotation, classes: Classes, nameOf: (id: string) => string): HTMLButtonElement {
  const { relation } = annotation.geometry ?? {};
  const value = relation ? `${nameOf(relation.source)} → ${nameOf(relation.target)}` : geometryText(annotation);
  const label = annotation.class || annotation.class_id ? swatch(classes.colour(annotation), classes.name(annotation)) : h("span", { class: "m" }, annotation.kind);
  return h("button", { type: "button", class: "fact", "data-id": annotation.id, title: annotation.id }, label, value ? h("span", { class: "v" }, value) : null);
}

export function changeBadge(change: Change, index: number): HTMLButtonElement {
  const kind = markKind(change);
  const shown = change.after ?? change.before;
  const value = kind === "add" || kind === "rem" ? (shown ? geometryText(shown) : "") : kind === "chg" ? "" : (valueText(change) ?? "");
  const text = h("span", {}, tagText(change));
  return h(
    "button",
    { type: "button", class: `fact ${kind}`, "data-change": index, title: sentence(change) },
    h("span", { class: "num" }, String(index)),
    h("span", { class: "k" }, icon(MARKS[kind].icon), word(change)),
    text,
    value ? h("span", { class: "v" }, value) : null,
  );
}
