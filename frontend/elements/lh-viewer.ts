// <lh-viewer>: one sample with its annotations. See README.md for the island. Events: lh-select {id, annotation}.
// Rows of the page with data-annotation-id follow the selection, and select when clicked; inputs with
// data-layer-toggle="name" switch layers.

import type { Annotation, Layer, ViewerData } from "../types/annotations";
import { Classes } from "../lib/colours";
import { h, readIsland, showWithin, swatch } from "../lib/dom";
import { canvasSize, hitOf, type Size } from "../lib/geometry";
import { writeKept } from "../lib/kept";
import { type KeyCommand, listenKeys, press, showHelp } from "../lib/keys";
import { AudioPane } from "./audio-pane";
import { applyKept, zoomControls } from "./controls";
import { drawShape } from "./shapes";
import { naturalSize, Stage } from "./stage";
import { type TextPane, textPane } from "./text-pane";
import { factBadge, isPlaced, tipContent } from "./words";

const KEPT = "labelhub.viewer";

export class Viewer extends HTMLElement {
  private data!: ViewerData;
  private classes!: Classes;
  private stage: Stage | null = null;
  private text: TextPane | null = null;
  private audio: AudioPane | null = null;
  private selected: string | null = null;
  private readonly nodes = new Map<string, Element>();
  private readonly byId = new Map<string, { annotation: Annotation; layer: string }>();
  private readonly off = new Set<string>();
  private life = new AbortController();

  connectedCallback(): void {
    const data = this.data ?? readIsland<ViewerData>(this);
    if (!data) return;
    this.data = data;
    this.classes = new Classes(data.classes);
    for (const layer of data.layers) {
      if (layer.hidden) this.off.add(layer.name);
      for (const annotation of layer.annotations) this.byId.set(annotation.id, { annotation, layer: layer.name });
    }
    this.life = new AbortController();
    void this.render();
    this.listen();
  }

  disconnectedCallback(): void {
    this.life.abort();
    this.stage?.dispose();
    this.audio?.dispose();
  }

  /** A layer named by an annotator's id is called as the annotator is. */
  private titleOf(layer: string): string {
    return this.data.people?.[layer] ?? layer;
  }

  private get shown(): Layer[] {
    return this.data.layers.filter((layer) => !this.off.has(layer.name));
  }

  private get all(): Annotation[] {
    return this.data.layers.flatMap((layer) => layer.annotations);
  }

  private async render(): Promise<void> {
    const { media } = this.data;
    const parts: (Node | null)[] = [];
    if (media.type === "text" && media.text !== null && media.text !== undefined) {
      this.text = this.drawText(media.text);
      parts.push(this.bar([]), this.text.root);
    } else if (media.type === "audio") {
      this.audio = new AudioPane({ src: media.src ?? null, duration: media.duration ?? null, lanes: this.lanes(), pick: (id) => this.select(id) });
      parts.push(this.bar([]), this.audio.root);
    } else {
      const size = (media.width && media.height ? canvasSize(media, this.all) : media.src ? await naturalSize(media.src) : null) ?? canvasSize(media, this.all);
      if (this.life.signal.aborted) return;
      if (size) parts.push(...this.drawStage(size));
      else parts.push(this.bar([]));
    }
    parts.push(this.facts());
    this.replaceChildren(...parts.filter((part): part is Node => part !== null));
    this.sync();
  }

  private bar(extra: Node[]): HTMLElement {
    const counts = new Map<string, { colour: string; count: number }>();
    for (const annotation of this.shown.flatMap((layer) => layer.annotations)) {
      const name = this.classes.name(annotation);
      const entry = counts.get(name) ?? { colour: this.classes.colour(annotation), count: 0 };
      entry.count++;
      counts.set(name, entry);
    }
    const legend = [...counts].slice(0, 8).map(([name, { colour, count }]) => {
      const node = swatch(colour, name);
      node.append(h("b", {}, String(count)));
      return node;
    });
    if (counts.size > 8) legend.push(h("span", { class: "m" }, `and ${counts.size - 8} more`));
    if (!counts.size) legend.push(h("span", { class: "m" }, "No annotations in this sample"));
    return h("div", { class: "vw-bar" }, ...legend, ...extra);
  }

  private drawStage(size: Size): Node[] {
    const stage = new Stage(this.data.media, size, this.label(), {
      hover: (hit, at) => this.hover(hit?.id ?? null, at),
      pick: (hit) => this.select(hit?.id ?? null),
      viewed: () => {
        controls.show();
        this.placeGrips();
        writeKept(KEPT, { view: stage.kept });
      },
    });
    this.stage = stage;
    const controls = zoomControls(() => [stage], KEPT);
    applyKept([stage], KEPT);
    this.fillStage();
    return [this.bar([controls.root]), stage.root];
  }

  private fillStage(): void {
    const { stage } = this;
    if (!stage) return;
    this.nodes.clear();
    const groups: SVGGElement[] = [];
    this.data.layers.forEach((layer, index) => {
      if (this.off.has(layer.name)) return;
      for (const annotation of layer.annotations) {
        const node = drawShape(annotation, stage.size, this.classes, index);
        if (!node) continue;
        this.nodes.set(annotation.id, node);
        groups.push(node);
      }
    });
    stage.layer.replaceChildren(...groups);
    stage.hits = this.shown.flatMap((layer) => layer.annotations).flatMap((annotation) => hitOf(annotation, stage.size) ?? []);
    stage.draw();
  }

  private drawText(text: string): TextPane {
    const marks = this.data.layers.flatMap((layer, index) =>
      this.off.has(layer.name)
        ? []
        : layer.annotations.flatMap((annotation) => {
            const span = annotation.geometry?.span;
            if (!span) return [];
            const name = this.classes.name(annotation);
            return [{ id: annotation.id, ...span, colour: this.classes.colour(annotation), line: `l${Math.min(3, index)}`, label: [name], title: `${name} · ${this.titleOf(layer.name)}` }];
          }),
    );
    return textPane(text, marks, (id) => this.select(id));
  }

  private lanes(): { name: string; segments: { id: string; start: number; end: number; colour: string; line: string; label: string[]; title: string }[] }[] {
    return this.shown.map((layer) => ({
      name: this.data.layers.length > 1 ? this.titleOf(layer.name) : "",
      segments: layer.annotations.flatMap((annotation) => {
        const segment = annotation.geometry?.segment;
        const name = this.classes.name(annotation);
        return segment ? [{ id: annotation.id, ...segment, colour: this.classes.colour(annotation), line: `l${this.data.layers.indexOf(layer)}`, label: [annotation.geometry?.text?.text ?? name], title: name }] : [];
      }),
    }));
  }

  /** Badges and rows for what has no place on the medium: classifications, captions, values, relations. */
  private facts(): HTMLElement | null {
    const rest = this.shown.flatMap((layer) => layer.annotations).filter((annotation) => !isPlaced(annotation, this.data.media.type));
    if (!rest.length) return null;
    const nameOf = (id: string): string => {
      const found = this.byId.get(id)?.annotation;
      const span = found?.geometry?.span;
      return found ? (span && this.text ? `“${this.text.points.slice(span.start, span.end)}”` : this.classes.name(found)) : id.slice(0, 6);
    };
    const box = h("div", { class: "vw-facts" }, ...rest.map((annotation) => factBadge(annotation, this.classes, nameOf)));
    box.addEventListener("click", (event) => {
      const id = (event.target as Element).closest<HTMLElement>("[data-id]")?.dataset["id"];
      if (id) this.select(id);
    });
    return box;
  }

  private label(): string {
    return this.getAttribute("label") ?? `Sample with ${this.all.length} annotations`;
  }

  private hover(id: string | null, at: readonly [number, number]): void {
    for (const [each, node] of this.nodes) node.classList.toggle("hot", each === id);
    const found = id ? this.byId.get(id) : undefined;
    this.stage?.showTip(found ? tipContent(found.annotation, this.classes, this.titleOf(found.layer), this.data.people ?? {}) : null, at);
  }

  select(id: string | null, tell = true): void {
    if (this.selected === id) return;
    this.selected = id;
    for (const [each, node] of this.nodes) node.classList.toggle("sel", each === id);
    const node = id ? this.nodes.get(id) : null;
    if (node) this.stage?.layer.append(node);
    this.text?.select(id);
    this.audio?.select(id);
    for (const badge of this.querySelectorAll<HTMLElement>(".fact")) badge.classList.toggle("sel", badge.dataset["id"] === id);
    const hit = this.stage?.hits.find((each) => each.id === id);
    if (hit) this.stage?.reveal(hit.rect);
    this.placeGrips();
    this.sync();
    if (tell) this.dispatchEvent(new CustomEvent("lh-select", { bubbles: true, detail: { id, annotation: id ? this.byId.get(id)?.annotation : null } }));
  }

  /** A label and four grips on the selected shape, as on the sample page. */
  private placeGrips(): void {
    const { stage } = this;
    if (!stage) return;
    const found = this.selected ? this.byId.get(this.selected) : undefined;
    const hit = stage.hits.find((each) => each.id === this.selected);
    const same = stage.tags.firstElementChild?.getAttribute("data-id") === this.selected;
    if (same && hit) return;
    if (!found || !hit) {
      if (stage.tags.childElementCount) stage.setTags([]);
      return;
    }
    const who = found.annotation.annotator ? (this.data.people?.[found.annotation.annotator] ?? found.annotation.annotator) : this.titleOf(found.layer);
    const node = h("span", { class: "tag", "data-id": found.annotation.id, style: `--m:color-mix(in srgb, ${this.classes.colour(found.annotation)} 82%, #000);padding-left:6px` }, this.classes.name(found.annotation), h("span", { style: "font-weight:400" }, `${found.annotation.id.slice(0, 8)} · ${who}`));
    stage.setTags([{ node, anchor: hit.rect }]);
  }

  private sync(): void {
    for (const row of document.querySelectorAll<HTMLElement>("[data-annotation-id]")) {
      const on = row.dataset["annotationId"] === this.selected;
      if (on) {
        row.setAttribute("aria-selected", "true");
        showWithin(row);
      } else row.removeAttribute("aria-selected");
    }
  }

  private step(by: number): void {
    const ids = this.shown.flatMap((layer) => layer.annotations).map((annotation) => annotation.id);
    if (!ids.length) return;
    const at = this.selected ? ids.indexOf(this.selected) : by > 0 ? -1 : 0;
    this.select(ids[(at + by + ids.length) % ids.length]!);
  }

  private toggleLayers(): void {
    const hide = this.off.size < this.data.layers.length;
    this.off.clear();
    if (hide) for (const layer of this.data.layers) this.off.add(layer.name);
    this.redraw();
  }

  setLayer(name: string, on: boolean): void {
    if (on) this.off.delete(name);
    else this.off.add(name);
    this.redraw();
  }

  private redraw(): void {
    if (this.stage) this.fillStage();
    else void this.render();
    this.audio?.setLanes(this.lanes());
  }

  private get commands(): KeyCommand[] {
    return [
      { keys: ["n"], text: "next annotation", run: () => this.step(1) },
      { keys: ["p"], text: "previous annotation", run: () => this.step(-1) },
      { keys: ["ArrowRight", "j"], text: "next sample", run: () => press("[data-next-sample]") },
      { keys: ["ArrowLeft", "k"], text: "previous sample", run: () => press("[data-previous-sample]") },
      { keys: ["+", "="], text: "zoom in", run: () => this.stage?.zoom(1.25) },
      { keys: ["-"], text: "zoom out", run: () => this.stage?.zoom(0.8) },
      { keys: ["0"], text: "fit", run: () => this.stage?.fit() },
      { keys: ["l"], text: "labels on and off", run: () => this.toggleLayers() },
      { keys: ["e"], text: "edit labels", run: () => press("[data-edit-labels]") },
      { keys: ["Escape"], text: "select nothing", run: () => this.select(null) },
      { keys: ["?"], text: "all keys", run: () => showHelp(this.commands) },
    ];
  }

  private listen(): void {
    const { signal } = this.life;
    listenKeys(this, () => this.commands, signal);
    document.addEventListener("click", (event) => this.pageClick(event), { signal });
    document.addEventListener("change", (event) => this.pageChange(event), { signal });
  }

  private pageClick(event: MouseEvent): void {
    const target = event.target as Element;
    const row = target.closest<HTMLElement>("[data-annotation-id]");
    if (row && !this.contains(row) && !target.closest("a, button")) this.select(row.dataset["annotationId"] ?? null);
  }

  private pageChange(event: Event): void {
    const input = event.target as HTMLInputElement;
    if (input.dataset?.["layerToggle"]) this.setLayer(input.dataset["layerToggle"], input.checked);
  }
}

customElements.define("lh-viewer", Viewer);
