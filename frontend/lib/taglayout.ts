// Where the tags of changes stand: above their shape, else below it, else inside; inside the stage; not on one another.

import type { Rect, Size } from "./geometry";

export interface TagBox {
  /** The shape on the screen. */
  anchor: Rect;
  width: number;
}

export const TAG_HEIGHT = 20;
const GAP = 3;

const overlaps = (a: Rect, b: Rect): boolean => a.x < b.x + b.w + 1 && b.x < a.x + a.w + 1 && a.y < b.y + b.h + 1 && b.y < a.y + a.h + 1;

/** One place per tag, in order; the first of several candidates that is free, else the first candidate. */
export function layoutTags(tags: readonly TagBox[], stage: Size): ({ x: number; y: number } | null)[] {
  const taken: Rect[] = [];
  return tags.map(({ anchor, width }) => {
    if (anchor.x > stage.width || anchor.y > stage.height || anchor.x + anchor.w < 0 || anchor.y + anchor.h < 0) return null;
    const inStage = (x: number, y: number): Rect => ({
      x: Math.max(2, Math.min(stage.width - width - 2, x)),
      y: Math.max(2, Math.min(stage.height - TAG_HEIGHT - 2, y)),
      w: width,
      h: TAG_HEIGHT,
    });
    const above = anchor.y - TAG_HEIGHT - GAP;
    const below = anchor.y + anchor.h + GAP;
    const candidates = [
      inStage(anchor.x, above),
      inStage(anchor.x, below),
      inStage(anchor.x + anchor.w - width, above),
      inStage(anchor.x + anchor.w - width, below),
      inStage(anchor.x + anchor.w + GAP, anchor.y),
      inStage(anchor.x - width - GAP, anchor.y),
      inStage(anchor.x, above - TAG_HEIGHT - GAP),
    ];
    const place = candidates.find((each) => !taken.some((other) => overlaps(each, other))) ?? candidates[0]!;
    taken.push(place);
    return { x: Math.round(place.x), y: Math.round(place.y) };
  });
}
