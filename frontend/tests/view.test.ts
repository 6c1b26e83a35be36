import { expect, it } from "vitest";
import { layoutTags } from "../lib/taglayout";
import { fit, keep, keepInside, restore, toSample, toScreen, zoomAt } from "../lib/view";

const content = { width: 640, height: 480 };
const stage = { width: 1000, height: 500 };

it("fits the whole picture in the middle", () => {
  const view = fit(content, stage, 10);
  expect(view.scale).toBeCloseTo(1);
  expect(view.x).toBeCloseTo(180);
});
it("keeps the point under the pointer when zooming", () => {
  const view = fit(content, stage);
  const before = toSample(view, [300, 200]);
  expect(toScreen(zoomAt(view, 3, [300, 200], 0.1), before)[0]).toBeCloseTo(300);
});
it("never loses the picture", () => {
  const view = keepInside({ scale: 1, x: 5000, y: -5000 }, content, stage);
  expect(view.x).toBeLessThan(stage.width);
  expect(view.y).toBeGreaterThan(-content.height);
});
it("shows the same part in a picture of another size", () => {
  const kept = keep(zoomAt(fit(content, stage), 2, [400, 200], 0.1), content, stage);
  const larger = { width: 1280, height: 960 };
  const view = restore(kept, larger, stage);
  expect(keep(view, larger, stage).zoom).toBeCloseTo(kept.zoom);
  expect(keep(view, larger, stage).cx).toBeCloseTo(kept.cx);
});
it("puts tags above, then elsewhere, never on one another", () => {
  const anchor = { x: 100, y: 100, w: 40, h: 40 };
  const places = layoutTags([{ anchor, width: 80 }, { anchor, width: 80 }, { anchor, width: 80 }], stage);
  expect(places[0]).toEqual({ x: 100, y: 77 });
  expect(new Set(places.map((each) => `${each?.x} ${each?.y}`)).size).toBe(3);
  expect(layoutTags([{ anchor: { x: -90, y: 0, w: 10, h: 10 }, width: 50 }], stage)).toEqual([null]);
});
