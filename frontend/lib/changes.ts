// What a change is called and how it is marked: one kind for the palette, a tag for the picture, a sentence for the reader.

import type { Annotation, Change } from "../types/annotations";

export type MarkKind = "add" | "rem" | "mov" | "rel" | "chg";

export const MARKS: Record<MarkKind, { word: string; icon: string }> = {
  add: { word: "added", icon: "added" },
  rem: { word: "removed", icon: "removed" },
  mov: { word: "moved", icon: "moved" },
  rel: { word: "relabelled", icon: "relabelled" },
  chg: { word: "changed", icon: "changed" },
};

const SHIFTED = ["moved", "resized", "reshaped", "respanned", "retimed"] as const;

/** A change may have several facets; the palette shows the one a reviewer must not miss. */
export function markKind(change: Change): MarkKind {
  const has = (facet: string): boolean => change.facets.includes(facet);
  if (has("added") || (!change.before && change.after)) return "add";
  if (has("removed") || (change.before && !change.after)) return "rem";
  if (has("relabelled")) return "rel";
  return SHIFTED.some(has) ? "mov" : "chg";
}

export const isShifted = (change: Change): boolean => SHIFTED.some((facet) => change.facets.includes(facet));

/** The word for the first facet of its kind: "resized" rather than "moved" when only the size differs. */
export function word(change: Change): string {
  const kind = markKind(change);
  if (kind === "mov") return SHIFTED.find((facet) => change.facets.includes(facet)) ?? "moved";
  if (kind === "chg") return (change.facets[0] ?? "changed").replaceAll("_", " ");
  return MARKS[kind].word;
}

const OVERLAP_WORD: Partial<Record<Annotation["kind"], string>> = { keypoints: "OKS", span: "overlap", segment: "overlap" };

export function overlapText(change: Change): string | null {
  if (change.overlap === null || change.overlap === undefined) return null;
  const kind = (change.after ?? change.before)?.kind ?? "box";
  return `${OVERLAP_WORD[kind] ?? "IoU"} ${change.overlap.toFixed(2)}`;
}

export function classNames(change: Change): { before: string | null; after: string | null } {
  return {
    before: change.class_before ?? change.before?.class ?? null,
    after: change.class_after ?? change.after?.class ?? null,
  };
}

/** The tag on the picture, without its number and icon: `RBC → Platelets`, `WBC · IoU 0.82`, `Platelets`. */
export function tagText(change: Change): string {
  const { before, after } = classNames(change);
  const kind = markKind(change);
  const name = after ?? before ?? (change.after ?? change.before)?.kind ?? "";
  const overlap = overlapText(change);
  if (kind === "rel") {
    const named = `${before ?? "none"} → ${after ?? "none"}`;
    return isShifted(change) && overlap ? `${named} · ${overlap}` : named;
  }
  if (kind === "mov" && overlap) return `${name} · ${overlap}`;
  if (kind === "chg") return `${name} · ${valueText(change) ?? word(change)}`;
  return name;
}

/** What changed inside, in words: `occluded false → true`, `"cat" → "dog"`, `3 → 4`. */
export function valueText(change: Change): string | null {
  const parts = (change.attributes ?? []).map(([name, from, to]) => `${name} ${shown(from)} → ${shown(to)}`);
  const { before, after } = change;
  if (change.facets.includes("text_changed")) parts.push(`“${before?.geometry?.text?.text ?? ""}” → “${after?.geometry?.text?.text ?? ""}”`);
  if (change.facets.includes("value_changed")) parts.push(`${before?.geometry?.value?.value ?? "none"} → ${after?.geometry?.value?.value ?? "none"}`);
  if (change.facets.includes("confidence_changed")) parts.push(`confidence ${before?.confidence ?? "none"} → ${after?.confidence ?? "none"}`);
  return parts.length ? parts.join(", ") : null;
}

const shown = (value: unknown): string => (value === null || value === undefined ? "none" : String(value));

/** The sentence for screen readers and titles: "box RBC moved 9 px right, 6 px down, IoU 0.82". */
export function sentence(change: Change): string {
  const { before, after } = classNames(change);
  const kind = (change.after ?? change.before)?.kind ?? "annotation";
  const named = markKind(change) === "rel" ? `${before ?? "none"} to ${after ?? "none"}` : (after ?? before ?? "");
  const head = [kind, named, word(change)].filter(Boolean).join(" ");
  return [head + (change.description ? ` ${change.description}` : ""), overlapText(change), valueText(change)].filter(Boolean).join(", ");
}

export function countKinds(changes: readonly Change[]): Record<MarkKind, number> {
  const counts: Record<MarkKind, number> = { add: 0, rem: 0, mov: 0, rel: 0, chg: 0 };
  for (const change of changes) counts[markKind(change)]++;
  return counts;
}
