// The stage: a picture (or a blank grid) under one SVG, with zoom, pan, brightness, hits, tags and a tooltip.
// Viewer, diff and editor draw into `layer`; coordinates are pixels of the sample throughout.

import type { Media, Point } from "../types/annotations";
import { h, s } from "../lib/dom";
import { type Hit, hitTest, type Rect, type Size } from "../lib/geometry";
import { layoutTags } from "../lib/taglayout";
import { fit, keep, keepInside, type KeptView, pan, restore, toSample, toScreen, type View, zoomAt } from "../lib/view";

export interface StageEvents {
  hover?: (hit: Hit | null, at: Point) => void;
  pick?: (hit: Hit | null, event: PointerEvent) => void;
  /** True when the caller takes the drag (the editor draws or moves); the stage then does not pan. */
  grab?: (at: Point, event: PointerEvent) => boolean;
  drag?: (at: Point, event: PointerEvent) => void;
  drop?: (at: Point, event: PointerEvent) => void;
  viewed?: (stage: Stage) => void;
}

const STILL = 4;

export class Stage {
  readonly root: HTMLDivElement;
  readonly svg: SVGSVGElement;
  readonly layer: SVGGElement;
  readonly tags: HTMLDivElement;
  readonly tip: HTMLDivElement;
  readonly picture: HTMLElement;
  view: View = { scale: 1, x: 0, y: 0 };
  hits: Hit[] = [];
  private room: Size = { width: 1, height: 1 };
  private fitted = true;
  private pending: KeptView | null = null;
  private placed: { node: HTMLElement; anchor: Rect }[] = [];
  private readonly fingers = new Map<number, Point>();
  private gesture: { start: Point; last: Point; taken: boolean; moved: boolean; spread: number } | null = null;
  private frame = 0;
  private readonly observer: ResizeObserver;

  constructor(media: Media, readonly size: Size, label: string, private readonly events: StageEvents) {
    this.layer = s("g");
    this.svg = s("svg", { role: "img", "aria-label": label }, this.layer);
    this.tags = h("div", { class: "vw-tags" });
    this.tip = h("div", { class: "vw-tip", hidden: true, role: "status" });
    this.picture = media.src && media.type === "image" ? this.image(media.src) : this.blank();
    this.root = h("div", { class: "vw-stage", tabindex: 0, role: "group", "aria-label": label }, this.picture, this.svg, this.tags, this.tip);
    this.root.style.aspectRatio = String(Math.max(0.75, Math.min(2.4, size.width / size.height)));
    this.listen();
    this.observer = new ResizeObserver(([entry]) => entry && this.resized(entry.contentRect));
    this.observer.observe(this.root);
  }

  dispose(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  private blank(): HTMLElement {
    return h("div", { class: "blank", style: `width:${this.size.width}px;height:${this.size.height}px` });
  }

  private image(src: string): HTMLImageElement {
    const image = h("img", { alt: "", width: this.size.width, height: this.size.height, draggable: "false", decoding: "async" });
    image.addEventListener("error", () => this.broken(image, src), { once: true });
    image.src = src;
    return image;
  }

  private broken(image: HTMLImageElement, src: string): void {
    const again = h("button", { type: "button", class: "btn x" }, "Try again");
    const note = h("div", { class: "flash err vw-broken", role: "alert" }, h("span", { class: "grow" }, "The picture could not be loaded. The labels are drawn where they belong."), again);
    again.addEventListener("click", () => {
      note.remove();
      image.addEventListener("error", () => this.broken(image, src), { once: true });
      image.src = `${src}${src.includes("?") ? "&" : "?"}again=${Date.now()}`;
    });
    this.root.append(note);
  }

  private resized({ width, height }: { width: number; height: number }): void {
    if (!width || !height) return;
    const kept = this.fitted ? null : (this.pending ?? (this.room.width > 1 ? keep(this.view, this.size, this.room) : null));
    this.pending = null;
    this.room = { width, height };
    this.view = kept ? restore(kept, this.size, this.room) : fit(this.size, this.room);
    this.draw();
  }

  get kept(): KeptView | null {
    return this.fitted ? null : keep(this.view, this.size, this.room);
  }

  /** Shows the same part as before; null fits. */
  restore(kept: KeptView | null): void {
    this.fitted = !kept;
    if (this.room.width <= 1) this.pending = kept;
    else {
      this.view = kept ? restore(kept, this.size, this.room) : fit(this.size, this.room);
      this.draw();
    }
  }

  get percent(): number {
    return Math.round(this.view.scale * 100);
  }

  zoom(factor: number, at: Point = [this.room.width / 2, this.room.height / 2]): void {
    const smallest = Math.min(1, fit(this.size, this.room).scale) * 0.5;
    this.move(zoomAt(this.view, factor, at, smallest));
  }

  fit(): void {
    this.restore(null);
    this.events.viewed?.(this);
  }

  /** Brings a shape into sight when it is outside or tiny. */
  reveal(rect: Rect): void {
    const [x, y] = toScreen(this.view, [rect.x, rect.y]);
    const [w, hh] = [rect.w * this.view.scale, rect.h * this.view.scale];
    if (x >= 0 && y >= 0 && x + w <= this.room.width && y + hh <= this.room.height) return;
    const { scale } = this.view;
    this.move({ scale, x: this.room.width / 2 - (rect.x + rect.w / 2) * scale, y: this.room.height / 2 - (rect.y + rect.h / 2) * scale });
  }

  brightness(value: number): void {
    this.picture.style.filter = value === 1 ? "" : `brightness(${value})`;
  }

  private move(view: View): void {
    this.view = keepInside(view, this.size, this.room);
    this.fitted = false;
    this.draw();
    this.events.viewed?.(this);
  }

  draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  private paint(): void {
    const { scale, x, y } = this.view;
    this.picture.style.transform = `translate(${x}px,${y}px) scale(${scale})`;
    this.picture.classList.toggle("pixels", scale >= 4);
    this.layer.setAttribute("transform", `matrix(${scale} 0 0 ${scale} ${x} ${y})`);
    this.root.style.touchAction = this.fitted ? "pan-y" : "none";
    this.placeTags();
    this.events.viewed?.(this);
  }

  setTags(tags: { node: HTMLElement; anchor: Rect }[]): void {
    this.placed = tags;
    this.tags.replaceChildren(...tags.map((tag) => tag.node));
    this.draw();
  }

  private placeTags(): void {
    const boxes = this.placed.map(({ node, anchor }) => {
      const [x, y] = toScreen(this.view, [anchor.x, anchor.y]);
      return { anchor: { x, y, w: anchor.w * this.view.scale, h: anchor.h * this.view.scale }, width: node.offsetWidth };
    });
    layoutTags(boxes, this.room).forEach((place, index) => {
      const { node } = this.placed[index]!;
      node.style.visibility = place ? "" : "hidden";
      if (place) node.style.transform = `translate(${place.x}px,${place.y}px)`;
    });
  }

  showTip(content: Node[] | null, at: Point = [0, 0]): void {
    this.tip.hidden = !content;
    if (!content) return;
    this.tip.replaceChildren(...content);
    const x = Math.min(at[0] + 14, this.room.width - this.tip.offsetWidth - 4);
    const y = at[1] + 18 + this.tip.offsetHeight > this.room.height ? at[1] - this.tip.offsetHeight - 10 : at[1] + 18;
    this.tip.style.transform = `translate(${Math.round(Math.max(4, x))}px,${Math.round(Math.max(4, y))}px)`;
  }

  screenPoint(event: MouseEvent): Point {
    const { left, top } = this.root.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  samplePoint(event: MouseEvent): Point {
    return toSample(this.view, this.screenPoint(event));
  }

  hit(at: Point): Hit | null {
    return hitTest(this.hits, at[0], at[1], 5 / this.view.scale);
  }

  private listen(): void {
    const { root } = this;
    root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.moved(event));
    root.addEventListener("pointerup", (event) => this.up(event));
    root.addEventListener("pointercancel", (event) => this.up(event));
    root.addEventListener("pointerleave", () => this.events.hover?.(null, [0, 0]));
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const step = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    this.zoom(Math.exp(-Math.max(-120, Math.min(120, step)) * 0.0022), this.screenPoint(event));
  }

  private down(event: PointerEvent): void {
    if (event.button > 1 || (event.target as Element).closest("button, input")) return;
    const at = this.screenPoint(event);
    this.fingers.set(event.pointerId, at);
    if (this.fingers.size === 2) {
      const [a, b] = [...this.fingers.values()] as [Point, Point];
      this.gesture = { start: at, last: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], taken: false, moved: true, spread: Math.hypot(a[0] - b[0], a[1] - b[1]) };
      return;
    }
    const taken = event.button === 0 && Boolean(this.events.grab?.(this.samplePoint(event), event));
    this.gesture = { start: at, last: at, taken, moved: false, spread: 0 };
    root(event).setPointerCapture(event.pointerId);
  }

  private moved(event: PointerEvent): void {
    const at = this.screenPoint(event);
    const { gesture } = this;
    if (!gesture) {
      this.events.hover?.(this.hit(toSample(this.view, at)), at);
      this.events.drag?.(toSample(this.view, at), event);
      return;
    }
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, at);
    if (this.fingers.size === 2) return this.pinch(gesture);
    if (!gesture.moved && Math.hypot(at[0] - gesture.start[0], at[1] - gesture.start[1]) < STILL) return;
    gesture.moved = true;
    if (gesture.taken) this.events.drag?.(toSample(this.view, at), event);
    else if (event.pointerType !== "touch" || !this.fitted) {
      this.root.classList.add("panning");
      this.move(pan(this.view, at[0] - gesture.last[0], at[1] - gesture.last[1]));
    }
    gesture.last = at;
  }

  private pinch(gesture: NonNullable<typeof this.gesture>): void {
    const [a, b] = [...this.fingers.values()] as [Point, Point];
    const middle: Point = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const spread = Math.hypot(a[0] - b[0], a[1] - b[1]);
    this.view = pan(this.view, middle[0] - gesture.last[0], middle[1] - gesture.last[1]);
    this.zoom(spread / Math.max(1, gesture.spread), middle);
    gesture.last = middle;
    gesture.spread = spread;
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    const { gesture } = this;
    if (!gesture) return;
    if (this.fingers.size) return;
    this.gesture = null;
    this.root.classList.remove("panning");
    const at = this.samplePoint(event);
    if (gesture.taken) this.events.drop?.(at, event);
    else if (!gesture.moved && event.type === "pointerup") this.events.pick?.(this.hit(at), event);
  }
}

const root = (event: Event): HTMLElement => event.currentTarget as HTMLElement;

/** A picture whose size nobody recorded is asked for its own. */
export function naturalSize(src: string): Promise<Size | null> {
  return new Promise((resolve) => {
    const probe = new Image();
    probe.onload = () => resolve(probe.naturalWidth ? { width: probe.naturalWidth, height: probe.naturalHeight } : null);
    probe.onerror = () => resolve(null);
    probe.src = src;
  });
}
