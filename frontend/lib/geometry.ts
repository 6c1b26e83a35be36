// Geometry in pixels of the sample: from the wire to points, extents, SVG paths and hits. No DOM.

import type { Annotation, Box, Frame, Point, Polygon } from "../types/annotations";
import { maskBounds, maskPath } from "./mask";

export type Size = { width: number; height: number };
export type Rect = { x: number; y: number; w: number; h: number };

const round = (n: number): number => Math.round(n * 100) / 100;

function scaleOf(frame: Frame | undefined, size: Size): Point {
  return frame === "relative" ? [size.width, size.height] : [1, 1];
}

/** The four corners of a box, clockwise from its top left, rotated clockwise about the centre. */
export function boxCorners(box: Box, size: Size): Point[] {
  const [sx, sy] = scaleOf(box.frame, size);
  const [x, y, w, h] = [box.x * sx, box.y * sy, box.w * sx, box.h * sy];
  const corners: Point[] = [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
  return box.rotation ? rotate(corners, [x + w / 2, y + h / 2], box.rotation) : corners;
}

export function rotate(points: Point[], [cx, cy]: Point, degrees: number): Point[] {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return points.map(([x, y]) => [cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos]);
}

/** The rings of an annotation's area in pixels: a box is one ring, a polygon has its parts and holes. */
export function rings(annotation: Annotation, size: Size): Point[][] {
  const { box, polygon, track } = annotation.geometry ?? {};
  if (polygon) {
    const [sx, sy] = scaleOf(polygon.frame, size);
    return polygon.parts.flat().map((ring) => ring.map(([x, y]) => [x * sx, y * sy] as const));
  }
  if (box) return [boxCorners(box, size)];
  const first = track?.frames[0];
  if (track && first) {
    const [, x, y, w, h] = first;
    return [boxCorners({ x, y, w, h, frame: track.frame ?? "pixel" }, size)];
  }
  return [];
}

export function dots(annotation: Annotation, size: Size): { x: number; y: number; hidden: boolean }[] {
  const keypoints = annotation.geometry?.keypoints;
  if (!keypoints) return [];
  const [sx, sy] = scaleOf(keypoints.frame, size);
  return keypoints.points.filter(([, , v]) => v > 0).map(([x, y, v]) => ({ x: x * sx, y: y * sy, hidden: v === 1 }));
}

export const ringPath = (ring: readonly Point[]): string =>
  ring.length ? `M${ring.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}z` : "";

/** The SVG path of an annotation's area; empty when it has none (a span, a badge, bare keypoints). */
export function shapePath(annotation: Annotation, size: Size): string {
  const mask = annotation.geometry?.mask;
  if (mask && !annotation.geometry?.polygon) return maskPath(mask);
  return rings(annotation, size).map(ringPath).join("");
}

/** Several parts and holes fill by the even-odd rule; only areas that are not boxes are filled. */
export const isFilled = (annotation: Annotation): boolean =>
  Boolean(annotation.geometry?.polygon || annotation.geometry?.mask);

export function bounds(annotation: Annotation, size: Size): Rect | null {
  const mask = annotation.geometry?.mask;
  if (mask && !annotation.geometry?.polygon && !annotation.geometry?.box) return maskBounds(mask);
  const points = [...rings(annotation, size).flat(), ...dots(annotation, size).map(({ x, y }) => [x, y] as const)];
  return extent(points);
}

export function extent(points: readonly Point[]): Rect | null {
  if (!points.length) return null;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, w: right - left, h: bottom - top };
}

export const centre = ({ x, y, w, h }: Rect): Point => [x + w / 2, y + h / 2];

/** Even-odd test against all rings, so that holes are outside. */
export function contains(all: readonly (readonly Point[])[], x: number, y: number): boolean {
  let inside = false;
  for (const ring of all) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [xi, yi] = ring[i]!;
      const [xj, yj] = ring[j]!;
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
  }
  return inside;
}

export interface Hit {
  id: string;
  rect: Rect;
  rings: Point[][];
}

export function hitOf(annotation: Annotation, size: Size): Hit | null {
  const rect = bounds(annotation, size);
  if (!rect) return null;
  const all = rings(annotation, size);
  return { id: annotation.id, rect, rings: all.length ? all : [rectRing(rect)] };
}

const rectRing = ({ x, y, w, h }: Rect): Point[] => [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];

/** The smallest shape at a point, so that a cell inside a tissue stays reachable. Tolerance in pixels of the sample. */
export function hitTest(hits: readonly Hit[], x: number, y: number, tolerance = 0): Hit | null {
  let best: Hit | null = null;
  let area = Infinity;
  for (const hit of hits) {
    const { rect } = hit;
    if (x < rect.x - tolerance || y < rect.y - tolerance || x > rect.x + rect.w + tolerance || y > rect.y + rect.h + tolerance) continue;
    const small = Math.min(rect.w, rect.h) < tolerance * 2;
    if (!small && !contains(hit.rings, x, y)) continue;
    if (rect.w * rect.h < area) {
      area = rect.w * rect.h;
      best = hit;
    }
  }
  return best;
}

/** The size to draw on: the media's, or what the coordinates reach when there is no media. */
export function canvasSize(media: { width?: number | null; height?: number | null }, annotations: readonly Annotation[]): Size | null {
  if (media.width && media.height) return { width: media.width, height: media.height };
  const unit = { width: 1, height: 1 };
  let [width, height] = [0, 0];
  let relative = false;
  for (const annotation of annotations) {
    const { box, polygon, keypoints, mask, track } = annotation.geometry ?? {};
    if (mask) [height, width] = [Math.max(height, mask.size[0]), Math.max(width, mask.size[1])];
    if ([box, polygon, keypoints, track].some((g) => g?.frame === "relative")) {
      relative = true;
      continue;
    }
    const rect = bounds(annotation, unit);
    if (rect) [width, height] = [Math.max(width, rect.x + rect.w), Math.max(height, rect.y + rect.h)];
  }
  if (width > 0 && height > 0) return { width: Math.ceil(width * 1.04), height: Math.ceil(height * 1.04) };
  return relative ? { width: 1000, height: 750 } : null;
}

/** The arrow of a move from centre to centre; lengthened to `least` so that a small move can be seen. */
export function moveArrow(from: Rect, to: Rect, least: number): { from: Point; to: Point } | null {
  const [ax, ay] = centre(from);
  const [bx, by] = centre(to);
  const length = Math.hypot(bx - ax, by - ay);
  if (length < 0.5) return null;
  const reach = Math.max(length, least) / length / 2;
  const [mx, my] = [(ax + bx) / 2, (ay + by) / 2];
  return { from: [mx - (bx - ax) * reach, my - (by - ay) * reach], to: [mx + (bx - ax) * reach, my + (by - ay) * reach] };
}

export type Handle = "nw" | "n" | "ne" | "e" | "se" | "s" | "sw" | "w";

/** A box after one handle is dragged by (dx, dy); it may turn over, never below `least` pixels. */
export function resize(rect: Rect, handle: Handle, dx: number, dy: number, least = 1): Rect {
  let [left, top, right, bottom] = [rect.x, rect.y, rect.x + rect.w, rect.y + rect.h];
  if (handle.includes("w")) left += dx;
  if (handle.includes("e")) right += dx;
  if (handle.includes("n")) top += dy;
  if (handle.includes("s")) bottom += dy;
  return {
    x: Math.min(left, right),
    y: Math.min(top, bottom),
    w: Math.max(least, Math.abs(right - left)),
    h: Math.max(least, Math.abs(bottom - top)),
  };
}

export function clampRect(rect: Rect, size: Size): Rect {
  const x = Math.max(0, Math.min(rect.x, size.width - 1));
  const y = Math.max(0, Math.min(rect.y, size.height - 1));
  return { x: round(x), y: round(y), w: round(Math.min(rect.w, size.width - x)), h: round(Math.min(rect.h, size.height - y)) };
}

/** Keeps a moved box whole inside the picture. */
export function slideInside(rect: Rect, size: Size): Rect {
  return {
    ...rect,
    x: round(Math.max(0, Math.min(rect.x, size.width - rect.w))),
    y: round(Math.max(0, Math.min(rect.y, size.height - rect.h))),
  };
}

/** Drops points that repeat their neighbour (a double click leaves one) and rounds the rest. */
export function tidyRing(ring: readonly Point[], least = 0.75): Point[] {
  const kept: Point[] = [];
  for (const [x, y] of ring) {
    const last = kept.at(-1);
    if (!last || Math.hypot(last[0] - x, last[1] - y) >= least) kept.push([round(x), round(y)]);
  }
  const [first, last] = [kept[0], kept.at(-1)];
  if (kept.length > 1 && first && last && Math.hypot(first[0] - last[0], first[1] - last[1]) < least) kept.pop();
  return kept;
}

/** The unrotated rectangle of a box in pixels. */
export function boxRect(box: Box, size: Size): Rect {
  const [sx, sy] = scaleOf(box.frame, size);
  return { x: box.x * sx, y: box.y * sy, w: box.w * sx, h: box.h * sy };
}

/** Back to the wire in the frame the box came in, with its rotation. */
export function writeBox(rect: Rect, size: Size, like: Box | null): Box {
  const rotation = like?.rotation ? { rotation: like.rotation } : {};
  if (like?.frame !== "relative") return { x: round(rect.x), y: round(rect.y), w: round(rect.w), h: round(rect.h), ...rotation };
  return { x: rect.x / size.width, y: rect.y / size.height, w: rect.w / size.width, h: rect.h / size.height, ...rotation, frame: "relative" };
}

/** Resizing a rotated box: the drag is turned into the box's own axes, and the opposite side stays where it is. */
export function resizeBox(rect: Rect, rotation: number, handle: Handle, dx: number, dy: number): Rect {
  const [local] = rotate([[dx, dy]], [0, 0], -rotation);
  const next = resize(rect, handle, local![0], local![1]);
  if (!rotation) return next;
  const [ox, oy] = centre(rect);
  const [nx, ny] = centre(next);
  const [shift] = rotate([[nx - ox, ny - oy]], [0, 0], rotation);
  return { ...next, x: ox + shift![0] - next.w / 2, y: oy + shift![1] - next.h / 2 };
}

export const HANDLES: readonly (readonly [Handle, number, number])[] = [
  ["nw", 0, 0], ["n", 0.5, 0], ["ne", 1, 0], ["e", 1, 0.5], ["se", 1, 1], ["s", 0.5, 1], ["sw", 0, 1], ["w", 0, 0.5],
];

/** Where the handles of a box stand, rotation included. */
export function handlePoints(rect: Rect, rotation: number): { handle: Handle; at: Point }[] {
  const points = rotate(HANDLES.map(([, u, v]) => [rect.x + u * rect.w, rect.y + v * rect.h] as const), centre(rect), rotation);
  return HANDLES.map(([handle], index) => ({ handle, at: points[index]! }));
}

/** A polygon with every point shifted; the frame stays. */
export function shiftPolygon(polygon: Polygon, dx: number, dy: number, size: Size): Polygon {
  const [sx, sy] = scaleOf(polygon.frame, size);
  return { ...polygon, parts: polygon.parts.map((part) => part.map((ring) => ring.map(([x, y]) => [x + dx / sx, y + dy / sy] as const))) };
}

/** A polygon with one point replaced; the point is in pixels. */
export function movePoint(polygon: Polygon, [part, ring, point]: readonly [number, number, number], [x, y]: Point, size: Size): Polygon {
  const [sx, sy] = scaleOf(polygon.frame, size);
  return {
    ...polygon,
    parts: polygon.parts.map((rings, a) => (a !== part ? rings : rings.map((points, b) => (b !== ring ? points : points.map((each, c) => (c !== point ? each : ([round(x) / sx, round(y) / sy] as const))))))),
  };
}

/** Every vertex with its address, in pixels. */
export function vertices(polygon: Polygon, size: Size): { at: Point; address: [number, number, number] }[] {
  const [sx, sy] = scaleOf(polygon.frame, size);
  return polygon.parts.flatMap((part, a) => part.flatMap((ring, b) => ring.map(([x, y], c) => ({ at: [x * sx, y * sy] as const, address: [a, b, c] as [number, number, number] }))));
}

/** The middle of every edge, in pixels, with the address a new point there would have. */
export function midpoints(polygon: Polygon, size: Size): { at: Point; address: [number, number, number] }[] {
  const [sx, sy] = scaleOf(polygon.frame, size);
  return polygon.parts.flatMap((part, a) =>
    part.flatMap((ring, b) =>
      ring.map(([x, y], c) => {
        const [nx, ny] = ring[(c + 1) % ring.length]!;
        return { at: [((x + nx) / 2) * sx, ((y + ny) / 2) * sy] as const, address: [a, b, c + 1] as [number, number, number] };
      }),
    ),
  );
}

/** A polygon with a point added at an address; the point is in pixels. */
export function insertPoint(polygon: Polygon, [part, ring, point]: readonly [number, number, number], [x, y]: Point, size: Size): Polygon {
  const [sx, sy] = scaleOf(polygon.frame, size);
  return { ...polygon, parts: polygon.parts.map((rings, a) => (a !== part ? rings : rings.map((points, b) => (b !== ring ? points : points.toSpliced(point, 0, [x / sx, y / sy]))))) };
}

/** A polygon without one point; null when its ring would not be an area any more. */
export function removePoint(polygon: Polygon, [part, ring, point]: readonly [number, number, number]): Polygon | null {
  if ((polygon.parts[part]?.[ring]?.length ?? 0) <= 3) return null;
  return { ...polygon, parts: polygon.parts.map((rings, a) => (a !== part ? rings : rings.map((points, b) => (b !== ring ? points : points.toSpliced(point, 1))))) };
}
