// The local picture of a sample under edit: operations applied at once, with the inverses that undo them until the
// server's own list arrives. The server owns the real undo stack; this one only keeps the screen ahead of it.

import type { Annotation, Operation } from "../types/annotations";

export function apply(annotations: readonly Annotation[], operation: Operation): Annotation[] {
  if (operation.op === "delete_annotation") return annotations.filter((each) => each.id !== operation.id);
  const at = annotations.findIndex((each) => each.id === operation.annotation.id);
  if (at < 0) return [...annotations, operation.annotation];
  return annotations.map((each, index) => (index === at ? operation.annotation : each));
}

export function inverse(annotations: readonly Annotation[], operation: Operation): Operation {
  const id = operation.op === "delete_annotation" ? operation.id : operation.annotation.id;
  const { key, layer } = operation;
  const before = annotations.find((each) => each.id === id);
  return before ? { op: "put_annotation", key, layer, annotation: before } : { op: "delete_annotation", key, layer, id };
}

interface Step {
  forward: Operation[];
  back: Operation[];
}

export class Edits {
  private past: Step[] = [];
  private future: Step[] = [];

  constructor(public annotations: Annotation[]) {}

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  do(operations: readonly Operation[]): void {
    const back: Operation[] = [];
    for (const operation of operations) {
      back.unshift(inverse(this.annotations, operation));
      this.annotations = apply(this.annotations, operation);
    }
    this.past.push({ forward: [...operations], back });
    this.future = [];
  }

  undo(): boolean {
    const step = this.past.pop();
    if (!step) return false;
    this.annotations = step.back.reduce(apply, this.annotations);
    this.future.push(step);
    return true;
  }

  redo(): boolean {
    const step = this.future.pop();
    if (!step) return false;
    this.annotations = step.forward.reduce(apply, this.annotations);
    this.past.push(step);
    return true;
  }

  /** The server's list wins once nothing is on its way. */
  settle(annotations: Annotation[]): void {
    this.annotations = annotations;
  }
}

export function newId(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  return [...random(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A classification toggled within its group: "one" replaces the group's other class, "many" adds beside it. */
export function toggleClassification(
  annotations: readonly Annotation[],
  chosen: { id: string; name: string },
  group: { cardinality: "one" | "many"; classes: string[] } | null,
  where: { key: string; layer: string },
  id: string = newId(),
): Operation[] {
  const badges = annotations.filter((each) => each.kind === "classification");
  const present = badges.find((each) => each.class_id === chosen.id || (!each.class_id && each.class === chosen.name));
  if (present) return [{ op: "delete_annotation", ...where, id: present.id }];
  const others = group?.cardinality === "one" ? badges.filter((each) => each.class_id && group.classes.includes(each.class_id)) : [];
  return [
    ...others.map((each): Operation => ({ op: "delete_annotation", ...where, id: each.id })),
    { op: "put_annotation", ...where, annotation: { id, kind: "classification", class: chosen.name, class_id: chosen.id, geometry: {}, attributes: {}, origin: "human" } },
  ];
}

/** Equal annotations keep their identity, so that only what differs is drawn anew. */
export function keepSame(before: readonly Annotation[], after: readonly Annotation[]): Annotation[] {
  const known = new Map(before.map((each) => [each.id, each]));
  return after.map((each) => {
    const old = known.get(each.id);
    return old && JSON.stringify(old) === JSON.stringify(each) ? old : each;
  });
}
