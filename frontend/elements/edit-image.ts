// Editing on a picture: draw, select, move and resize boxes; draw polygons and move their points. The same stage and
// the same shapes as the viewer, so that nothing jumps between reading and editing.

import type { Annotation, Geometry, Media, Point } from "../types/annotations";
import type { Classes } from "../lib/colours";
import { s } from "../lib/dom";
import { boxRect, clampRect, handlePoints, type Handle, hitOf, insertPoint, midpoints, movePoint, type Rect, removePoint, resizeBox, ringPath, shiftPolygon, type Size, slideInside, tidyRing, vertices, writeBox } from "../lib/geometry";
import { drawShape } from "./shapes";
import { Stage } from "./stage";

export type Tool = "select" | "box" | "polygon";

export interface ImageEditorPorts {
  create: (kind: "box" | "polygon", geometry: Geometry) => void;
  change: (annotation: Annotation) => void;
  select: (id: string | null) => void;
  viewed: () => void;
}

type Drag =
  | { what: "draw"; from: Point }
  | { what: "move"; from: Point; original: Annotation }
  | { what: "resize"; from: Point; original: Annotation; handle: Handle }
  | { what: "point"; original: Annotation; address: [number, number, number] };

const NEAR = 9;
const SMALLEST = 3;

export class ImageEditor {
  readonly stage: Stage;
  private tool: Tool = "select";
  private annotations: Annotation[] = [];
  private selected: string | null = null;
  private drag: Drag | null = null;
  private ring: Point[] | null = null;
  private draft: Annotation | null = null;
  private readonly shapes = s("g");
  private readonly overlay = s("g");
  private readonly nodes = new Map<string, SVGGElement>();

  constructor(media: Media, private readonly size: Size, private readonly classes: Classes, private readonly ports: ImageEditorPorts, private readonly relative: boolean) {
    this.stage = new Stage(media, size, "Picture with labels, editable", {
      hover: (hit) => this.hover(hit?.id ?? null),
      pick: (hit) => this.tool === "select" && ports.select(hit?.id ?? null),
      grab: (at) => this.grab(at),
      drag: (at) => this.move(at),
      drop: (at) => this.drop(at),
      viewed: () => {
        ports.viewed();
        this.drawOverlay();
      },
    });
    this.stage.layer.append(this.shapes, this.overlay);
    this.stage.root.addEventListener("dblclick", (event) => (this.ring ? this.finishRing() : this.dropPoint(this.stage.samplePoint(event))));
  }

  setTool(tool: Tool): void {
    this.tool = tool;
    this.ring = null;
    this.stage.root.classList.toggle("draw", tool !== "select");
    this.drawOverlay();
  }

  /** Draws what differs only: unchanged annotations keep their nodes, so that 1,000 shapes stay fluid. */
  show(annotations: Annotation[], selected: string | null): void {
    const before = new Map(this.annotations.map((each) => [each.id, each]));
    const now = new Set(annotations.map((each) => each.id));
    for (const [id, node] of this.nodes) {
      if (now.has(id)) continue;
      node.remove();
      this.nodes.delete(id);
    }
    for (const annotation of annotations) if (before.get(annotation.id) !== annotation || !this.nodes.has(annotation.id)) this.redraw(annotation);
    this.annotations = annotations;
    this.selected = selected;
    this.stage.hits = annotations.flatMap((each) => hitOf(each, this.size) ?? []);
    for (const [id, node] of this.nodes) node.classList.toggle("sel", id === selected);
    this.drawOverlay();
  }

  reveal(id: string): void {
    const hit = this.stage.hits.find((each) => each.id === id);
    if (hit) this.stage.reveal(hit.rect);
  }

  /** Moves the selected shape by whole pixels. */
  nudged(annotation: Annotation, dx: number, dy: number): Annotation | null {
    return this.shifted(annotation, dx, dy);
  }

  cancel(): boolean {
    const busy = this.ring !== null || this.drag !== null;
    this.ring = null;
    this.drag = null;
    this.draft = null;
    this.drawOverlay();
    return busy;
  }

  private redraw(annotation: Annotation): void {
    const node = drawShape(annotation, this.size, this.classes);
    if (!node) return;
    node.classList.toggle("sel", annotation.id === this.selected);
    const old = this.nodes.get(annotation.id);
    if (old) old.replaceWith(node);
    else this.shapes.append(node);
    this.nodes.set(annotation.id, node);
  }

  private hover(id: string | null): void {
    for (const [each, node] of this.nodes) node.classList.toggle("hot", each === id && this.tool === "select");
  }

  private get current(): Annotation | null {
    return this.annotations.find((each) => each.id === this.selected) ?? null;
  }

  private near(a: Point, b: Point): boolean {
    return Math.hypot(a[0] - b[0], a[1] - b[1]) * this.stage.view.scale <= NEAR;
  }

  private grab(at: Point): boolean {
    if (this.tool === "polygon") return true;
    if (this.tool === "box") {
      this.drag = { what: "draw", from: at };
      return true;
    }
    const { current } = this;
    if (!current) return false;
    const { box, polygon } = current.geometry ?? {};
    if (box) {
      const grip = handlePoints(boxRect(box, this.size), box.rotation ?? 0).find((each) => this.near(each.at, at));
      if (grip) return Boolean((this.drag = { what: "resize", from: at, original: current, handle: grip.handle }));
    } else if (polygon) {
      const vertex = vertices(polygon, this.size).find((each) => this.near(each.at, at));
      if (vertex) return Boolean((this.drag = { what: "point", original: current, address: vertex.address }));
      const middle = midpoints(polygon, this.size).find((each) => this.near(each.at, at));
      if (middle) {
        const original = withGeometry(current, { polygon: insertPoint(polygon, middle.address, middle.at, this.size) });
        return Boolean((this.drag = { what: "point", original, address: middle.address }));
      }
    }
    if (this.stage.hit(at)?.id !== current.id || !(box ?? polygon)) return false;
    this.drag = { what: "move", from: at, original: current };
    return true;
  }

  private move(at: Point): void {
    const { drag } = this;
    if (this.ring) this.drawOverlay(at);
    if (!drag) return;
    if (drag.what === "draw") this.drawOverlay(at);
    else {
      const next = this.dragged(drag, at);
      if (!next) return;
      this.draft = next;
      this.redraw(next);
      this.drawOverlay();
    }
  }

  private dragged(drag: Exclude<Drag, { what: "draw" }>, at: Point): Annotation | null {
    const { original } = drag;
    const { box, polygon } = original.geometry ?? {};
    if (drag.what === "move") return this.shifted(original, at[0] - drag.from[0], at[1] - drag.from[1]);
    if (drag.what === "point" && polygon) return withGeometry(original, { polygon: movePoint(polygon, drag.address, this.inside(at), this.size) });
    if (drag.what === "resize" && box) {
      const rotation = box.rotation ?? 0;
      const rect = resizeBox(boxRect(box, this.size), rotation, drag.handle, at[0] - drag.from[0], at[1] - drag.from[1]);
      return withGeometry(original, { box: writeBox(rotation ? rect : clampRect(rect, this.size), this.size, box) });
    }
    return null;
  }

  private shifted(original: Annotation, dx: number, dy: number): Annotation | null {
    const { box, polygon } = original.geometry ?? {};
    if (polygon) return withGeometry(original, { polygon: shiftPolygon(polygon, Math.round(dx), Math.round(dy), this.size) });
    if (!box) return null;
    const rect = boxRect(box, this.size);
    return withGeometry(original, { box: writeBox(slideInside({ ...rect, x: rect.x + dx, y: rect.y + dy }, this.size), this.size, box) });
  }

  private inside([x, y]: Point): Point {
    return [Math.max(0, Math.min(this.size.width, x)), Math.max(0, Math.min(this.size.height, y))];
  }

  private drop(at: Point): void {
    if (this.tool === "polygon") return this.addPoint(at);
    const { drag, draft } = this;
    this.drag = null;
    this.draft = null;
    if (!drag) return;
    if (drag.what === "draw") this.finishBox(drag.from, at);
    else if (draft) this.ports.change(draft);
    else if (drag.what === "move") this.ports.select(this.stage.hit(at)?.id ?? null);
    this.drawOverlay();
  }

  private finishBox(from: Point, to: Point): void {
    const rect = this.draftRect(from, to);
    if (rect.w * this.stage.view.scale < SMALLEST || rect.h * this.stage.view.scale < SMALLEST) {
      this.ports.select(this.stage.hit(to)?.id ?? null);
      return;
    }
    this.ports.create("box", { box: writeBox(rect, this.size, this.relative ? { x: 0, y: 0, w: 1, h: 1, frame: "relative" } : null) });
  }

  private draftRect(from: Point, to: Point): Rect {
    const [a, b] = [this.inside(from), this.inside(to)];
    return clampRect({ x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]), w: Math.abs(a[0] - b[0]), h: Math.abs(a[1] - b[1]) }, this.size);
  }

  private addPoint(at: Point): void {
    const ring = this.ring ?? [];
    if (ring.length >= 3 && this.near(ring[0]!, at)) return this.finishRing();
    this.ring = [...ring, this.inside(at)];
    this.drawOverlay(at);
  }

  /** A double click on a point of the selected polygon takes it away. */
  private dropPoint(at: Point): void {
    const polygon = this.current?.geometry?.polygon;
    const vertex = polygon && vertices(polygon, this.size).find((each) => this.near(each.at, at));
    const next = vertex && removePoint(polygon, vertex.address);
    if (next && this.current) this.ports.change(withGeometry(this.current, { polygon: next }));
  }

  finishRing(): void {
    if (!this.ring) return;
    const ring = tidyRing(this.ring, 1.5 / this.stage.view.scale);
    this.ring = null;
    if (ring.length >= 3) {
      const { width, height } = this.size;
      const points = this.relative ? ring.map(([x, y]) => [x / width, y / height] as const) : ring;
      this.ports.create("polygon", { polygon: { parts: [[points]], ...(this.relative ? { frame: "relative" as const } : {}) } });
    }
    this.drawOverlay();
  }

  /** Grips of the selection and the shape being drawn. */
  private drawOverlay(at?: Point): void {
    const parts: SVGElement[] = [];
    const shown = this.draft ?? this.current;
    const { box, polygon } = shown?.geometry ?? {};
    const grips = this.tool !== "select" ? [] : polygon ? vertices(polygon, this.size).map((each) => each.at) : box ? handlePoints(boxRect(box, this.size), box.rotation ?? 0).map((each) => each.at) : [];
    const d = grips.map(([x, y]) => `M${x} ${y}h0`).join("");
    if (d && shown) parts.push(s("path", { d, class: "grip-out", style: `--c:${this.classes.colour(shown)}` }), s("path", { d, class: "grip-in" }));
    if (this.tool === "select" && polygon && shown) {
      const middles = midpoints(polygon, this.size).map(({ at: [x, y] }) => `M${x} ${y}h0`).join("");
      parts.unshift(s("path", { d: middles, class: "grip-mid", style: `--c:${this.classes.colour(shown)}` }));
    }
    const path = this.drag?.what === "draw" && at ? rectPath(this.draftRect(this.drag.from, at)) : this.ring ? ringPath(at ? [...this.ring, this.inside(at)] : this.ring).replace(/z$/, "") : "";
    if (path) parts.push(s("path", { d: path, class: "draft-case" }), s("path", { d: path, class: "draft" }));
    if (this.ring) parts.push(s("path", { d: this.ring.map(([x, y]) => `M${x} ${y}h0`).join(""), class: "grip-out", style: "--c:#0969da" }));
    this.overlay.replaceChildren(...parts);
  }
}

const rectPath = ({ x, y, w, h }: Rect): string => `M${x} ${y}h${w}v${h}h${-w}z`;

const withGeometry = (annotation: Annotation, part: Geometry): Annotation => ({ ...annotation, geometry: { ...annotation.geometry, ...part } });
