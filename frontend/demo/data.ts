// Invented data in the wire shapes, one of everything, for looking at the elements without a server.

import type { Annotation, Change, DiffData, EditorData, SchemaClass, ViewerData } from "../types/annotations";
import { encode } from "../lib/mask";

export const classes: SchemaClass[] = [
  { id: "c1", name: "RBC", color: "#0969da" },
  { id: "c2", name: "WBC", color: "#e36209" },
  { id: "c3", name: "Platelets", color: "#0e9c8f" },
];

let count = 0;
export const id = (): string => (++count * 2654435761 % 2 ** 32).toString(16).padStart(8, "0").repeat(4);

export function box(name: string, x: number, y: number, w: number, h: number, more: Partial<Annotation> = {}): Annotation {
  return { id: id(), kind: "box", class: name, geometry: { box: { x, y, w, h } }, attributes: {}, annotator: "u:17", origin: "human", ...more };
}

const rbc: [number, number, number, number][] = [[69, 288, 85, 95], [409, 54, 108, 107], [49, 142, 108, 107], [207, 59, 108, 107], [170, 145, 108, 107], [301, 23, 108, 107], [503, 168, 108, 107], [520, 94, 108, 107], [505, 30, 108, 107], [516, 415, 106, 65], [1, 323, 78, 112], [387, 319, 95, 93]];
const unchanged: Annotation[] = [...rbc.map((b) => box("RBC", ...b)), box("WBC", 1, 40, 120, 114), box("Platelets", 561, 366, 35, 36), box("Platelets", 114, 126, 36, 31)];

function change(facets: string[], before: Annotation | null, after: Annotation | null, more: Partial<Change> = {}): Change {
  return { facets, before, after, class_before: before?.class ?? null, class_after: after?.class ?? null, attributes: [], ...more };
}

export const changes: Change[] = [
  change(["moved"], box("WBC", 187, 251, 149, 154), box("WBC", 196, 257, 149, 154), { overlap: 0.82, shift: [9, 6], description: "9 px right, 6 px down" }),
  change(["moved", "resized"], box("RBC", 51, 349, 136, 106), box("RBC", 68, 371, 141, 102), { overlap: 0.53, shift: [17, 22], description: "17 px right, 22 px down, 5 px wider" }),
  change(["relabelled"], box("RBC", 520, 377, 35, 36), box("Platelets", 520, 377, 35, 36), { overlap: 1 }),
  change(["added"], null, box("Platelets", 502, 310, 35, 36)),
  change(["added"], null, box("Platelets", 353, 434, 35, 36)),
  change(["removed"], box("RBC", 262, 424, 78, 54), null),
];

const image = (src: string) => ({ type: "image" as const, src, width: 640, height: 480 });

export const diff = (src: string): DiffData => ({
  media: image(src), classes, changes, unchanged,
  suggestions: [{ number: 2, annotation: box("RBC", 60, 371, 149, 107) }],
  names: { before: "main e4b19c2", after: "fix-platelets 9a07d1f" },
});

const disc = encode(Array.from({ length: 480 }, (_, y) => Array.from({ length: 640 }, (_, x) => {
  const d = Math.hypot(x - 270, y - 334);
  return d < 70 + 6 * Math.sin(Math.atan2(y - 334, x - 270) * 7) && d > 22;
})));

export const viewer = (src: string): ViewerData => ({
  media: image(src), classes, people: { "u:17": "mirela-k" },
  layers: [
    { name: "gold", annotations: [...unchanged,
      box("WBC", 430, 330, 110, 60, { geometry: { box: { x: 380, y: 330, w: 120, h: 60, rotation: 24 } }, attributes: { occluded: true } }),
      { id: id(), kind: "polygon", class: "RBC", geometry: { polygon: { parts: [[[[70, 380], [140, 365], [200, 400], [190, 460], [110, 470], [66, 430]], [[110, 410], [150, 405], [150, 440], [115, 445]]]] } }, attributes: {} },
      { id: id(), kind: "mask", class: "WBC", geometry: { mask: disc }, attributes: {} },
      { id: id(), kind: "keypoints", class: "Platelets", geometry: { keypoints: { points: [[560, 400, 2], [580, 430, 2], [610, 420, 1], [600, 390, 0]] } }, attributes: {} },
      { id: id(), kind: "classification", class: "RBC", geometry: {}, attributes: {} },
      { id: id(), kind: "text", geometry: { text: { text: "A stained smear with one large white cell." } }, attributes: {} },
      { id: id(), kind: "value", geometry: { value: { value: 0.37 } }, attributes: {} },
    ] },
    { name: "alice", annotations: [box("RBC", 214, 66, 104, 104, { annotator: "u:4" }), box("WBC", 6, 44, 118, 112)] },
    { name: "model", annotations: [box("Platelets", 560, 362, 40, 40, { origin: "model", confidence: 0.88 })] },
  ],
});

export const blank: ViewerData = { media: { type: "none" }, classes: [{ id: "b", name: "blue cone" }, { id: "y", name: "yellow cone" }, { id: "o", name: "orange cone" }], layers: [{ name: "gold", annotations: [
  box("blue cone", 120, 300, 34, 52), box("blue cone", 220, 260, 22, 34), box("yellow cone", 520, 310, 38, 58), box("yellow cone", 450, 262, 22, 32), box("orange cone", 300, 240, 14, 22),
] }] };

const words = "Ада Лавлейс 👩‍💻 met Charles Babbage in London on 5 June 1833 and wrote to the Bank of England.";
const at = (part: string): { start: number; end: number } => {
  const start = [...words.slice(0, words.indexOf(part))].length;
  return { start, end: start + [...part].length };
};
const textClasses: SchemaClass[] = [{ id: "p", name: "person" }, { id: "l", name: "place" }, { id: "d", name: "date" }, { id: "o", name: "organisation" }];
const span = (name: string, part: string): Annotation => ({ id: id(), kind: "span", class: name, geometry: { span: at(part) }, attributes: {} });
const ada = span("person", "Ада Лавлейс");
const charles = span("person", "Charles Babbage");

export const text: ViewerData = { media: { type: "text", text: words }, classes: textClasses, layers: [{ name: "gold", annotations: [
  ada, charles, span("place", "London"), span("date", "5 June 1833"), span("organisation", "Bank of England"), span("place", "England"),
  { id: id(), kind: "relation", class: "person", geometry: { relation: { source: ada.id, target: charles.id } }, attributes: {} },
  { id: id(), kind: "classification", class: "person", geometry: {}, attributes: {} },
] }] };

export const textDiff: DiffData = { media: { type: "text", text: words }, classes: textClasses, unchanged: [ada, charles], changes: [
  change(["relabelled"], span("place", "Bank of England"), span("organisation", "Bank of England"), { overlap: 1 }),
  change(["respanned"], span("date", "5 June"), span("date", "5 June 1833"), { overlap: 0.55, description: "5 characters longer" }),
  change(["added"], null, span("place", "London")),
  change(["removed"], span("place", "England"), null),
  change(["attribute_changed"], { id: "k", kind: "classification", class: "person", geometry: {} }, { id: "k", kind: "classification", class: "person", geometry: {} }, { attributes: [["certain", false, true]] }),
] };

const segment = (name: string, start: number, end: number): Annotation => ({ id: id(), kind: "segment", class: name, geometry: { segment: { start, end } }, attributes: {} });
const soundClasses: SchemaClass[] = [{ id: "s", name: "seven" }, { id: "e", name: "eight" }, { id: "n", name: "noise" }];

/** A second and a half of two tones in a WAV, made here. */
export function wave(): string {
  const rate = 8000;
  const samples = Math.round(rate * 1.6);
  const bytes = new DataView(new ArrayBuffer(44 + samples * 2));
  const write = (at: number, word: string) => [...word].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  write(0, "RIFF"); bytes.setUint32(4, 36 + samples * 2, true); write(8, "WAVEfmt "); bytes.setUint32(16, 16, true); bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true); bytes.setUint32(28, rate * 2, true); bytes.setUint16(32, 2, true); bytes.setUint16(34, 16, true); write(36, "data"); bytes.setUint32(40, samples * 2, true);
  for (let i = 0; i < samples; i++) {
    const t = i / rate;
    const loud = Math.max(0, Math.sin((t - 0.2) * 5.2)) ** 2 + 0.03;
    bytes.setInt16(44 + i * 2, 16000 * loud * Math.sin(t * 1500 + 9 * Math.sin(t * 40)), true);
  }
  return URL.createObjectURL(new Blob([bytes.buffer], { type: "audio/wav" }));
}

export const sound = (src: string): ViewerData => ({ media: { type: "audio", src, duration: 1.6 }, classes: soundClasses, layers: [
  { name: "gold", annotations: [segment("seven", 0.22, 0.78), segment("noise", 0.7, 0.95)] }, { name: "alice", annotations: [segment("seven", 0.25, 0.8), segment("eight", 1.3, 1.55)] },
] });
export const soundDiff = (src: string): DiffData => ({ media: { type: "audio", src, duration: 1.6 }, classes: soundClasses, unchanged: [segment("noise", 0.8, 0.95)], changes: [
  change(["retimed"], segment("seven", 0.25, 0.7), segment("seven", 0.22, 0.78), { overlap: 0.8, description: "30 ms earlier, 110 ms longer" }),
  change(["relabelled"], segment("eight", 1.3, 1.55), segment("noise", 1.3, 1.55)),
  change(["added"], null, segment("noise", 1.02, 1.2)),
] });

export const editor = (src: string): EditorData => ({
  key: "train/cells.jpg", layer: "gold", media: image(src), classes, kinds: ["box", "polygon", "classification"],
  attributes: [{ id: "a", name: "occluded", type: "boolean", values: [] }, { id: "b", name: "stain", type: "enum", values: ["pale", "dark"] }],
  groups: [{ id: "g", name: "quality", cardinality: "one", classes: ["c1", "c2"] }],
  annotations: unchanged.slice(0, 12).concat(changes.flatMap((each) => each.after ?? [])), staged: 3, undo: true, redo: false,
});
export const textEditor: EditorData = { key: "notes/ada.txt", layer: "gold", media: text.media, classes: textClasses, kinds: ["span", "classification"], annotations: text.layers[0]!.annotations.filter((each) => each.kind === "span") };

export function crowd(n: number): ViewerData {
  const annotations = Array.from({ length: n }, (_, i) => box(classes[i % 3]!.name, (i * 37) % 1880, ((i * 53) % 1040), 14 + (i % 30), 12 + (i % 24)));
  return { media: { type: "none", width: 1920, height: 1080 }, classes, layers: [{ name: "gold", annotations }] };
}
