import { describe, expect, it } from "vitest";
import { encode, maskBounds, maskPath, runs } from "../lib/mask";

const grid = (...rows: string[]) => rows.map((row) => [...row].map((cell) => cell === "#"));

/** The area a rectilinear even-odd path encloses, by the shoelace formula: what the mask's pixels must add up to. */
function area(path: string): number {
  let sum = 0;
  for (const part of path.split("z").filter(Boolean)) {
    const points = part.slice(1).split("L").map((pair) => pair.split(" ").map(Number) as [number, number]);
    points.forEach(([x, y], i) => {
      const [nx, ny] = points[(i + 1) % points.length]!;
      sum += (x * ny - nx * y) / 2;
    });
  }
  return Math.abs(sum);
}

describe("masks", () => {
  it("read column by column, beginning with zeros", () => {
    const mask = encode(grid(".#", "##"));
    expect(mask).toEqual({ size: [2, 2], counts: [1, 3] });
    expect(runs(mask)).toEqual([{ column: 0, top: 1, bottom: 2 }, { column: 1, top: 0, bottom: 2 }]);
  });
  it("know their extent", () => expect(maskBounds(encode(grid("....", ".##.", "..#.")))).toEqual({ x: 1, y: 1, w: 2, h: 2 }));
  it("have no outline when empty", () => {
    expect(maskPath(encode(grid("..", "..")))).toBe("");
    expect(maskBounds(encode(grid("..")))).toBeNull();
  });
  it("trace one pixel", () => expect(maskPath(encode(grid("...", ".#.", "...")))).toBe("M1 1L2 1L2 2L1 2z"));
  it.each([
    [grid("###", "#.#", "###"), 8],
    [grid("##..", "##..", "..##", "..##"), 8],
    [grid("#.#", ".#.", "#.#"), 5],
  ])("enclose as many pixels as they have", (rows, pixels) => expect(area(maskPath(encode(rows)))).toBe(pixels));
});
