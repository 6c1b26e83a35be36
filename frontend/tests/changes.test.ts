import { describe, expect, it } from "vitest";
import type { Annotation, Change } from "../types/annotations";
import { countKinds, markKind, sentence, tagText, valueText, word } from "../lib/changes";

const box = (name: string): Annotation => ({ id: name, kind: "box", class: name, geometry: { box: { x: 0, y: 0, w: 1, h: 1 } } });
const change = (facets: string[], more: Partial<Change> = {}): Change => ({ facets, before: box("RBC"), after: box("RBC"), ...more });

const table: [string, Change, string, string, string][] = [
  ["a move", change(["moved"], { overlap: 0.824 }), "mov", "moved", "RBC · IoU 0.82"],
  ["a new size", change(["resized"], { overlap: 0.9 }), "mov", "resized", "RBC · IoU 0.90"],
  ["another class", change(["relabelled"], { after: box("Platelets"), overlap: 1 }), "rel", "relabelled", "RBC → Platelets"],
  ["class and place", change(["moved", "relabelled"], { after: box("WBC"), overlap: 0.7 }), "rel", "relabelled", "RBC → WBC · IoU 0.70"],
  ["a new one", change(["added"], { before: null }), "add", "added", "RBC"],
  ["one gone", change(["removed"], { after: null }), "rem", "removed", "RBC"],
  ["an attribute", change(["attribute_changed"], { attributes: [["occluded", false, true]] }), "chg", "attribute changed", "RBC · occluded false → true"],
  ["keypoints", change(["reshaped"], { after: { ...box("RBC"), kind: "keypoints" }, overlap: 0.5 }), "mov", "reshaped", "RBC · OKS 0.50"],
];

describe("the words of a change", () => {
  it.each(table)("%s", (_, each, kind, said, tag) => {
    expect(markKind(each)).toBe(kind);
    expect(word(each)).toBe(said);
    expect(tagText(each)).toBe(tag);
  });
  it("make a sentence", () => {
    expect(sentence(change(["moved"], { overlap: 0.82, description: "9 px right, 6 px down" }))).toBe("box RBC moved 9 px right, 6 px down, IoU 0.82");
    expect(sentence(change(["relabelled"], { after: box("WBC") }))).toBe("box RBC to WBC relabelled");
  });
  it("quote texts and values", () => {
    const text = (t: string): Annotation => ({ id: "t", kind: "text", geometry: { text: { text: t } } });
    expect(valueText(change(["text_changed"], { before: text("cat"), after: text("dog") }))).toBe("“cat” → “dog”");
    expect(valueText(change(["moved"]))).toBeNull();
  });
  it("count each change once", () => expect(countKinds(table.map((row) => row[1]))).toEqual({ add: 1, rem: 1, mov: 3, rel: 2, chg: 1 }));
});
