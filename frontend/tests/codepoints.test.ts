import { describe, expect, it } from "vitest";
import { CodePoints, trimRange } from "../lib/codepoints";

describe("code points and UTF-16 units", () => {
  const text = "a👩‍💻b\u{1F600}é";
  const points = new CodePoints(text);
  const oracle = [...text];

  it("counts code points", () => expect(points.length).toBe(oracle.length));

  it("agrees with the slow way at every border", () => {
    for (let i = 0; i <= oracle.length; i++) expect(points.toUnit(i)).toBe(oracle.slice(0, i).join("").length);
    for (let i = 0; i <= oracle.length; i++) expect(points.toPoint(points.toUnit(i))).toBe(i);
  });

  it("slices as the wire means it", () => {
    for (let a = 0; a <= oracle.length; a++) for (let b = a; b <= oracle.length; b++) expect(points.slice(a, b)).toBe(oracle.slice(a, b).join(""));
  });

  it("clamps", () => {
    expect(points.toUnit(-3)).toBe(0);
    expect(points.toUnit(99)).toBe(text.length);
  });

  it("trims white space off a selection, in either direction", () => {
    const words = new CodePoints("  two words ");
    expect(trimRange(words, 0, 12)).toEqual({ start: 2, end: 11 });
    expect(trimRange(words, 12, 0)).toEqual({ start: 2, end: 11 });
    expect(trimRange(words, 0, 2)).toBeNull();
  });
});
