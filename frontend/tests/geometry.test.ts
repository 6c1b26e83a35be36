import { describe, expect, it } from "vitest";
import type { Annotation } from "../types/annotations";
import { bounds, boxCorners, boxRect, canvasSize, clampRect, contains, handlePoints, hitOf, hitTest, insertPoint, midpoints, moveArrow, movePoint, removePoint, resize, resizeBox, shapePath, slideInside, tidyRing, writeBox } from "../lib/geometry";

const size = { width: 640, height: 480 };
const box = (id: string, x: number, y: number, w: number, h: number): Annotation => ({ id, kind: "box", geometry: { box: { x, y, w, h } } });

describe("boxes", () => {
  it("turn clockwise about their centre", () => {
    const corners = boxCorners({ x: 0, y: 0, w: 4, h: 2, rotation: 90 }, size);
    expect(corners.map(([x, y]) => [Math.round(x), Math.round(y)])).toEqual([[3, -1], [3, 3], [1, 3], [1, -1]]);
  });
  it("scale from the relative frame and back", () => {
    const wire = { x: 0.25, y: 0.5, w: 0.5, h: 0.25, frame: "relative" as const };
    const rect = boxRect(wire, size);
    expect(rect).toEqual({ x: 160, y: 240, w: 320, h: 120 });
    expect(writeBox(rect, size, wire)).toEqual(wire);
  });
  it("make a closed path", () => expect(shapePath(box("a", 1, 2, 3, 4), size)).toBe("M1 2L4 2L4 6L1 6z"));
  it("resize, and turn over when dragged through themselves", () => {
    expect(resize({ x: 10, y: 10, w: 10, h: 10 }, "se", 5, 6)).toEqual({ x: 10, y: 10, w: 15, h: 16 });
    expect(resize({ x: 10, y: 10, w: 10, h: 10 }, "w", 30, 0)).toEqual({ x: 20, y: 10, w: 20, h: 10 });
  });
  it("keep the opposite corner when a turned box is resized", () => {
    const rect = { x: 100, y: 100, w: 80, h: 40 };
    const at = (r: typeof rect, handle: string) => handlePoints(r, 30).find((each) => each.handle === handle)!.at;
    const next = resizeBox(rect, 30, "se", 12, 20);
    expect(at(next, "nw")[0]).toBeCloseTo(at(rect, "nw")[0]);
    expect(at(next, "nw")[1]).toBeCloseTo(at(rect, "nw")[1]);
    expect(at(next, "se")[0]).toBeCloseTo(at(rect, "se")[0] + 12);
    expect(at(next, "se")[1]).toBeCloseTo(at(rect, "se")[1] + 20);
  });
  it("stay inside the picture", () => {
    expect(clampRect({ x: -5, y: 470, w: 20, h: 20 }, size)).toEqual({ x: 0, y: 470, w: 20, h: 10 });
    expect(slideInside({ x: 630, y: -8, w: 20, h: 20 }, size)).toEqual({ x: 620, y: 0, w: 20, h: 20 });
  });
});

describe("hits", () => {
  const outer = hitOf(box("outer", 0, 0, 100, 100), size)!;
  const inner = hitOf(box("inner", 40, 40, 10, 10), size)!;
  it("take the smallest shape", () => {
    expect(hitTest([outer, inner], 45, 45)?.id).toBe("inner");
    expect(hitTest([inner, outer], 20, 20)?.id).toBe("outer");
    expect(hitTest([outer, inner], 200, 20)).toBeNull();
  });
  it("miss the hole of a polygon", () => {
    const ring = [[0, 0], [10, 0], [10, 10], [0, 10]] as const;
    const hole = [[4, 4], [6, 4], [6, 6], [4, 6]] as const;
    expect(contains([ring, hole], 2, 2)).toBe(true);
    expect(contains([ring, hole], 5, 5)).toBe(false);
  });
});

describe("polygons", () => {
  it("lose the point that a double click leaves", () => {
    expect(tidyRing([[0, 0], [10, 0], [10, 10], [10, 10.2]])).toEqual([[0, 0], [10, 0], [10, 10]]);
    expect(tidyRing([[0, 0], [10, 0], [10, 10], [0.1, 0]])).toEqual([[0, 0], [10, 0], [10, 10]]);
  });
  it("move one point and leave the others as they are", () => {
    const polygon = { parts: [[[[0, 0], [10, 0], [10, 10]] as [number, number][]]] };
    expect(movePoint(polygon, [0, 0, 1], [20, 5], size).parts).toEqual([[[[0, 0], [20, 5], [10, 10]]]]);
  });
});

describe("points of a polygon", () => {
  const triangle = { parts: [[[[0, 0], [10, 0], [10, 10]] as [number, number][]]] };
  it("come in at the middle of an edge, also of the closing one", () => {
    const last = midpoints(triangle, size).at(-1)!;
    expect(last).toEqual({ at: [5, 5], address: [0, 0, 3] });
    expect(insertPoint(triangle, last.address, last.at, size).parts[0]![0]).toEqual([[0, 0], [10, 0], [10, 10], [5, 5]]);
  });
  it("go, but never below three", () => {
    expect(removePoint(triangle, [0, 0, 1])).toBeNull();
    const four = insertPoint(triangle, [0, 0, 1], [5, -2], size);
    expect(removePoint(four, [0, 0, 1])).toEqual(triangle);
  });
});

describe("what to draw on", () => {
  it("is the media's size", () => expect(canvasSize({ width: 5, height: 6 }, [])).toEqual({ width: 5, height: 6 }));
  it("is what the coordinates reach without media", () => expect(canvasSize({}, [box("a", 0, 0, 100, 50)])).toEqual({ width: 104, height: 52 }));
  it("is a plain board for relative coordinates", () => {
    const relative: Annotation = { id: "a", kind: "box", geometry: { box: { x: 0, y: 0, w: 1, h: 1, frame: "relative" } } };
    expect(canvasSize({}, [relative])).toEqual({ width: 1000, height: 750 });
  });
  it("is nothing when nothing has a place", () => expect(canvasSize({}, [{ id: "a", kind: "classification" }])).toBeNull());
});

it("keypoints count when they are there", () => {
  const points: Annotation = { id: "a", kind: "keypoints", geometry: { keypoints: { points: [[5, 5, 2], [9, 1, 1], [0, 0, 0]] } } };
  expect(bounds(points, size)).toEqual({ x: 5, y: 1, w: 4, h: 4 });
});

it("arrows are long enough to be seen", () => {
  const arrow = moveArrow({ x: 0, y: 0, w: 2, h: 2 }, { x: 3, y: 4, w: 2, h: 2 }, 24)!;
  expect(Math.hypot(arrow.to[0] - arrow.from[0], arrow.to[1] - arrow.from[1])).toBeCloseTo(24);
  expect(moveArrow({ x: 0, y: 0, w: 2, h: 2 }, { x: 0, y: 0, w: 2, h: 2 }, 24)).toBeNull();
});
