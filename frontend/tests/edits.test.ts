import { describe, expect, it } from "vitest";
import type { Annotation, Operation, StagingAnswer } from "../types/annotations";
import { filterClasses, numberKeys } from "../lib/colours";
import { apply, Edits, keepSame, newId, toggleClassification } from "../lib/edits";
import { type Message, Outbox, Refused, type SaveState } from "../lib/outbox";
import { cut, lanes } from "../lib/spans";

const where = { key: "a.jpg", layer: "gold" };
const box = (id: string, x = 0): Annotation => ({ id, kind: "box", geometry: { box: { x, y: 0, w: 1, h: 1 } } });
const put = (annotation: Annotation): Operation => ({ op: "put_annotation", ...where, annotation });
const del = (id: string): Operation => ({ op: "delete_annotation", ...where, id });

describe("edits", () => {
  it("put replaces in place, or adds at the end", () => {
    const start = [box("a"), box("b")];
    expect(apply(start, put(box("a", 5))).map((each) => each.geometry?.box?.x)).toEqual([5, 0]);
    expect(apply(start, put(box("c"))).map((each) => each.id)).toEqual(["a", "b", "c"]);
  });
  it("undo and redo walk back and forth", () => {
    const edits = new Edits([box("a")]);
    edits.do([put(box("a", 5))]);
    edits.do([put(box("b")), del("a")]);
    expect(edits.annotations.map((each) => each.id)).toEqual(["b"]);
    edits.undo();
    expect(edits.annotations).toEqual([box("a", 5)]);
    edits.undo();
    expect(edits.annotations).toEqual([box("a")]);
    expect(edits.undo()).toBe(false);
    edits.redo();
    edits.redo();
    expect(edits.annotations.map((each) => each.id)).toEqual(["b"]);
  });
  it("a new edit forgets what was undone", () => {
    const edits = new Edits([]);
    edits.do([put(box("a"))]);
    edits.undo();
    edits.do([put(box("b"))]);
    expect(edits.canRedo).toBe(false);
  });
  it("what the server repeats keeps its identity, so that it is not drawn again", () => {
    const [a, b] = [box("a"), box("b")];
    const next = keepSame([a, b], [box("a"), box("b", 4)]);
    expect(next[0]).toBe(a);
    expect(next[1]).not.toBe(b);
  });
  it("ids are 32 hex digits", () => expect(newId((bytes) => bytes.fill(0xab))).toBe("ab".repeat(16)));
  it("a group of one replaces its class", () => {
    const badge: Annotation = { id: "x", kind: "classification", class: "cat", class_id: "c" };
    const group = { cardinality: "one" as const, classes: ["c", "d"] };
    expect(toggleClassification([badge], { id: "d", name: "dog" }, group, where, "y").map((each) => each.op)).toEqual(["delete_annotation", "put_annotation"]);
    expect(toggleClassification([badge], { id: "d", name: "dog" }, { ...group, cardinality: "many" }, where, "y")).toHaveLength(1);
    expect(toggleClassification([badge], { id: "c", name: "cat" }, group, where)).toEqual([del("x")]);
  });
});

describe("the outbox", () => {
  const answer: StagingAnswer = { staged: 1, undo: true, redo: false, annotations: [] };
  function ports(send: (message: Message) => Promise<StagingAnswer>) {
    const kept = new Map<string, string>();
    const states: SaveState[] = [];
    const later: (() => void)[] = [];
    return {
      kept, states, later,
      all: {
        store: { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v), removeItem: (k: string) => void kept.delete(k) },
        send, later: (task: () => void) => void later.push(task), changed: (state: SaveState) => void states.push(state), answered: () => undefined,
      },
    };
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve));

  it("keeps what is not answered and sends it again", async () => {
    let fail = true;
    const sent: Message[] = [];
    const p = ports(async (message) => {
      if (fail) throw new Error("no network");
      sent.push(message);
      return answer;
    });
    const outbox = new Outbox("k", p.all);
    outbox.push({ operations: [put(box("a"))] });
    outbox.push({ operations: [put(box("b"))] });
    await settled();
    expect(outbox.state).toBe("failed");
    expect(JSON.parse(p.kept.get("k")!)).toHaveLength(2);
    const reopened = new Outbox("k", p.all);
    expect(reopened.unsent).toHaveLength(2);
    fail = false;
    p.later.at(-1)!();
    await settled();
    expect(sent).toHaveLength(2);
    expect(outbox.state).toBe("saved");
    expect(p.kept.has("k")).toBe(false);
  });
  it("does not repeat what the server refused", async () => {
    const p = ports(async () => {
      throw new Refused("class does not exist");
    });
    const outbox = new Outbox("k", p.all);
    outbox.push({ undo: true });
    await settled();
    expect(p.later).toHaveLength(0);
    outbox.discard();
    expect(outbox.waiting).toBe(0);
  });
  it("survives a broken store", () => {
    const p = ports(async () => answer);
    p.kept.set("k", "{nonsense");
    expect(new Outbox("k", p.all).waiting).toBe(0);
  });
});

describe("spans", () => {
  const spans = [{ id: "a", start: 0, end: 5 }, { id: "b", start: 3, end: 8 }, { id: "c", start: 8, end: 9 }];
  it("cut a text into runs that know what lies over them", () => {
    expect(cut(spans, 10).map((run) => [run.start, run.end, run.ids.join("")])).toEqual([[0, 3, "a"], [3, 5, "ab"], [5, 8, "b"], [8, 9, "c"], [9, 10, ""]]);
  });
  it("stack only where they overlap", () => expect([...lanes(spans)]).toEqual([["a", 0], ["b", 1], ["c", 0]]));
  it("outside the text are clamped", () => expect(cut([{ id: "a", start: 5, end: 99 }], 8).at(-1)).toMatchObject({ end: 8, ids: ["a"] }));
});

describe("choosing classes", () => {
  const classes = ["car", "cart", "scar", "old"].map((name) => ({ id: name, name, deprecated: name === "old" }));
  it("beginnings come first, deprecated never", () => expect(filterClasses(classes, "car").map((each) => each.name)).toEqual(["car", "cart", "scar"]));
  it("numbers keep their order while there are few, follow use when there are many", () => {
    expect(numberKeys(classes, ["scar"]).map((each) => each.id)).toEqual(["car", "cart", "scar"]);
    const many = Array.from({ length: 12 }, (_, i) => ({ id: `c${i}`, name: `c${i}` }));
    expect(numberKeys(many, ["c11", "c3"]).map((each) => each.id).slice(0, 3)).toEqual(["c11", "c3", "c0"]);
  });
});
