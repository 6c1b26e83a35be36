// Masks: COCO run lengths, column-major, beginning with a run of zeros. The outline is traced along pixel edges,
// so that a mask takes the same line styles, hits and fills as a polygon and stays sharp at every zoom.

import type { Mask } from "../types/annotations";
import type { Rect } from "./geometry";

interface Run {
  column: number;
  top: number;
  bottom: number;
}

/** The vertical runs of ones, half-open in the row. */
export function runs(mask: Mask): Run[] {
  const [height] = mask.size;
  const out: Run[] = [];
  let at = 0;
  mask.counts.forEach((length, index) => {
    if (index % 2 === 1) {
      for (let from = at; from < at + length; ) {
        const column = Math.floor(from / height);
        const top = from % height;
        const take = Math.min(at + length - from, height - top);
        out.push({ column, top, bottom: top + take });
        from += take;
      }
    }
    at += length;
  });
  return out;
}

export function maskBounds(mask: Mask): Rect | null {
  const all = runs(mask);
  if (!all.length) return null;
  const left = all[0]!.column;
  const right = all.at(-1)!.column + 1;
  let [top, bottom] = [Infinity, 0];
  for (const run of all) {
    top = Math.min(top, run.top);
    bottom = Math.max(bottom, run.bottom);
  }
  return { x: left, y: top, w: right - left, h: bottom - top };
}

/** The outline as one even-odd SVG path, holes included. Cost: the pixels of the extent, and memory for the outline only. */
export function maskPath(mask: Mask): string {
  const rect = maskBounds(mask);
  if (!rect) return "";
  const cells = new Uint8Array(rect.w * rect.h);
  for (const { column, top, bottom } of runs(mask)) {
    const at = (column - rect.x) * rect.h - rect.y;
    cells.fill(1, at + top, at + bottom);
  }
  return trace(edges(cells, rect));
}

type Edges = Map<string, [number, number][]>;

/** Directed pixel edges with the inside on the right hand: start vertex -> end vertices. */
function edges(cells: Uint8Array, { x, y, w, h }: Rect): Edges {
  const next: Edges = new Map();
  const add = (x1: number, y1: number, x2: number, y2: number): void => {
    const list = next.get(`${x1},${y1}`);
    if (list) list.push([x2, y2]);
    else next.set(`${x1},${y1}`, [[x2, y2]]);
  };
  for (let column = 0; column < w; column++) {
    for (let row = 0; row < h; row++) {
      const cell = column * h + row;
      if (!cells[cell]) continue;
      const [left, top] = [x + column, y + row];
      if (row === 0 || !cells[cell - 1]) add(left, top, left + 1, top);
      if (column === w - 1 || !cells[cell + h]) add(left + 1, top, left + 1, top + 1);
      if (row === h - 1 || !cells[cell + 1]) add(left + 1, top + 1, left, top + 1);
      if (column === 0 || !cells[cell - h]) add(left, top + 1, left, top);
    }
  }
  return next;
}

function trace(next: Edges): string {
  let path = "";
  for (const [key, list] of next) {
    while (list.length) {
      const [sx, sy] = key.split(",").map(Number) as [number, number];
      let [x, y] = list.pop()!;
      let [dx, dy] = [Math.sign(x - sx), Math.sign(y - sy)];
      path += `M${sx} ${sy}`;
      while (x !== sx || y !== sy) {
        const out = next.get(`${x},${y}`);
        const step = out?.pop();
        if (!step) break;
        const [ex, ey] = [Math.sign(step[0] - x), Math.sign(step[1] - y)];
        if (ex !== dx || ey !== dy) path += `L${x} ${y}`;
        [dx, dy] = [ex, ey];
        [x, y] = step;
      }
      path += "z";
    }
  }
  return path;
}

/** From a grid of truth (rows of columns) to run lengths: the inverse, used by tests and the demonstration. */
export function encode(rows: readonly (readonly boolean[])[]): Mask {
  const height = rows.length;
  const width = rows[0]?.length ?? 0;
  const counts: number[] = [];
  let current = false;
  let length = 0;
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < height; row++) {
      if (Boolean(rows[row]![column]) === current) length++;
      else {
        counts.push(length);
        current = !current;
        length = 1;
      }
    }
  }
  counts.push(length);
  return { size: [height, width], counts };
}
