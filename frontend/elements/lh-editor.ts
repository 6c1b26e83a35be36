// <lh-editor staging-url review-url>: the labels of one sample, edited. Every edit is staged on the server at once and
// kept in localStorage until the server has answered. See README.md for the island. Events: lh-select, lh-staged.

import type { Annotation, EditorData, Geometry, Kind, Operation, Scalar, SchemaClass, StagingAnswer } from "../types/annotations";
import { trimRange } from "../lib/codepoints";
import { Classes } from "../lib/colours";
import { button, h, icon, readIsland, showWithin } from "../lib/dom";
import { Edits, keepSame, newId, toggleClassification } from "../lib/edits";
import { canvasSize, type Size } from "../lib/geometry";
import { type KeyCommand, isTyping, listenKeys, press, showHelp } from "../lib/keys";
import { Outbox, type SaveState } from "../lib/outbox";
import { sendTo } from "../lib/staging";
import { attributeForm } from "./attribute-form";
import { AudioPane } from "./audio-pane";
import { ClassPicker } from "./class-picker";
import { type ZoomControls, zoomControls } from "./controls";
import { ImageEditor, type Tool } from "./edit-image";
import { naturalSize } from "./stage";
import { type TextPane, textPane } from "./text-pane";
import { geometryText } from "./words";

const STORE = "labelhub.outbox:";
const TOOLS: readonly { tool: Tool; icon: string; text: string; key: string }[] = [
  { tool: "select", icon: "pointer", text: "Select", key: "v" },
  { tool: "box", icon: "box", text: "Box", key: "b" },
  { tool: "polygon", icon: "polygon", text: "Polygon", key: "g" },
];

class Editor extends HTMLElement {
  private data!: EditorData;
  private classes!: Classes;
  private edits!: Edits;
  private outbox!: Outbox;
  private picker!: ClassPicker;
  private image: ImageEditor | null = null;
  private text: TextPane | null = null;
  private audio: AudioPane | null = null;
  private zoom: ZoomControls | null = null;
  private selected: string | null = null;
  private tool: Tool = "select";
  private staged = 0;
  private server = { undo: false, redo: false };
  private life = new AbortController();
  private nudging: { timer: number; annotation: Annotation } | null = null;

  private readonly save = h("span", { class: "save", role: "status", "data-state": "saved" });
  private readonly count = h("a", { class: "btn sm p" });
  private readonly undoButton = button("Undo", { icon: "undo", key: "Ctrl Z" }, () => this.undo());
  private readonly redoButton = button("Redo", { icon: "redo", key: "Ctrl Shift Z" }, () => this.redo());
  private readonly medium = h("div", { class: "ed-main" });
  private readonly list = h("div", { class: "ed-list", role: "group", "aria-label": "Annotations" });
  private readonly listCount = h("span", { class: "cnt" });
  private readonly panel = h("section", { "aria-label": "Attributes" });
  private readonly badges = h("div", { class: "ed-badges" });
  private readonly tools = h("span", { class: "seg", role: "group", "aria-label": "Tool" });

  connectedCallback(): void {
    const data = this.data ?? readIsland<EditorData>(this);
    const url = this.getAttribute("staging-url");
    if (!data || !url) return;
    this.data = data;
    this.classes = new Classes(data.classes);
    this.life = new AbortController();
    this.edits = new Edits(data.annotations);
    this.staged = data.staged ?? 0;
    this.server = { undo: data.undo ?? false, redo: data.redo ?? false };
    this.picker = new ClassPicker(this.classes, (chosen) => this.relabel(chosen));
    this.outbox = this.openOutbox(url, true);
    const left = this.outbox.unsent.filter((operation) => operation.key === data.key && operation.layer === data.layer);
    if (left.length) this.edits.do(left);
    void this.build().then(() => {
      this.refresh();
      void this.outbox.flush();
      this.sendForgotten(url);
    });
    this.listen();
  }

  disconnectedCallback(): void {
    this.commitNudge();
    this.life.abort();
    this.image?.stage.dispose();
    this.audio?.dispose();
  }

  // the server

  private openOutbox(url: string, own: boolean): Outbox {
    return new Outbox(STORE + url, {
      store: localStorage,
      send: (message) => sendTo(url, message),
      later: (task, milliseconds) => void setTimeout(task, milliseconds),
      changed: (state, waiting, reason) => own && this.showSave(state, waiting, reason),
      answered: (answer, idle) => own && this.answered(answer, idle),
    });
  }

  /** Edits of other samples that a closed tab left behind go out now. */
  private sendForgotten(own: string): void {
    for (let i = 0; i < localStorage.length; i++) {
      const name = localStorage.key(i);
      if (name?.startsWith(STORE) && name !== STORE + own) void this.openOutbox(name.slice(STORE.length), false).flush();
    }
  }

  private answered(answer: StagingAnswer, idle: boolean): void {
    this.staged = answer.staged;
    this.server = { undo: answer.undo, redo: answer.redo };
    if (idle) this.edits.settle(keepSame(this.edits.annotations, answer.annotations));
    this.refresh();
    this.dispatchEvent(new CustomEvent("lh-staged", { bubbles: true, detail: { staged: answer.staged } }));
  }

  private showSave(state: SaveState, waiting: number, reason: string | null): void {
    this.save.dataset["state"] = state;
    if (state === "saved") this.save.replaceChildren(icon("check-circle"), "Saved");
    else if (state === "saving") this.save.replaceChildren(icon("sync"), "Saving");
    else {
      const again = h("button", { type: "button", class: "btn x" }, "Try again");
      again.addEventListener("click", () => void this.outbox.flush());
      const drop = h("button", { type: "button", class: "btn x q" }, "Drop");
      drop.addEventListener("click", () => this.dropRefused());
      this.save.replaceChildren(icon("alert"), h("span", { title: reason ?? "" }, `${waiting} not saved, kept here: ${reason ?? ""}`), again, drop);
    }
  }

  /** What the server refuses can only be given up; the page then shows the server's list again. */
  private dropRefused(): void {
    this.outbox.discard();
    this.edits = new Edits(this.data.annotations);
    this.refresh();
  }

  private stage(operations: Operation[]): void {
    if (!operations.length) return;
    this.edits.do(operations);
    this.server = { undo: true, redo: false };
    this.outbox.push({ operations });
    this.refresh();
  }

  private get where(): { key: string; layer: string } {
    return { key: this.data.key, layer: this.data.layer };
  }

  private put(annotation: Annotation): void {
    this.stage([{ op: "put_annotation", ...this.where, annotation }]);
  }

  private deleteOne(id: string | null = this.selected): void {
    if (!id) return;
    const next = this.neighbour(id);
    this.selected = next;
    this.stage([{ op: "delete_annotation", ...this.where, id }]);
  }

  private undo(): void {
    this.commitNudge();
    if (!this.server.undo) return;
    this.edits.undo();
    this.outbox.push({ undo: true });
    this.refresh();
  }

  private redo(): void {
    if (!this.server.redo) return;
    this.edits.redo();
    this.outbox.push({ redo: true });
    this.refresh();
  }

  // building

  private async build(): Promise<void> {
    const { media } = this.data;
    if (media.type === "text" && typeof media.text === "string") this.drawText(media.text);
    else if (media.type === "audio") this.buildAudio();
    else await this.buildImage();
    const side = h(
      "aside",
      { class: "ed-side" },
      this.picker.root,
      this.panel,
      this.hasBadges ? h("section", { "aria-label": "Classification" }, h("header", {}, h("b", {}, "Classification of the sample")), this.badges) : null,
      h("section", { class: "ed-list-box" }, h("header", {}, h("b", {}, "Annotations"), this.listCount)),
      this.list,
    );
    this.replaceChildren(this.bar(), h("div", { class: "ed" }, this.medium, side), this.foot());
    this.showSave(this.outbox.state, this.outbox.waiting, null);
  }

  private get hasBadges(): boolean {
    return Boolean(this.data.groups?.length || this.data.kinds?.includes("classification") || this.data.annotations.some((each) => each.kind === "classification"));
  }

  private get usable(): typeof TOOLS {
    const { kinds, media } = this.data;
    if (media.type === "text" || media.type === "audio") return [];
    return TOOLS.filter(({ tool }) => tool === "select" || !kinds || kinds.includes(tool as Kind));
  }

  private bar(): HTMLElement {
    for (const { tool, icon: picture, text, key } of this.usable) {
      const node = h("button", { type: "button", "data-tool": tool, "aria-pressed": String(tool === this.tool), title: `${text} (${key})` }, icon(picture), h("span", { class: "word" }, text));
      node.addEventListener("click", () => this.setTool(tool));
      this.tools.append(node);
    }
    return h("div", { class: "vw-bar" }, this.usable.length ? this.tools : null, h("span", { class: "row" }, this.undoButton, this.redoButton), this.zoom?.root ?? h("span", { class: "grow" }), this.save, this.count);
  }

  private foot(): HTMLElement {
    const hints: [string[], string][] = this.image
      ? [[["b"], "box"], [["g"], "polygon"], [["v"], "select"], [["1", "9"], "class"], [["t"], "find a class"], [["n", "p"], "annotation"], [["Del"], "delete"], [["?"], "all keys"]]
      : [[["1", "9"], "class"], [["t"], "find a class"], [["n", "p"], "annotation"], [["Del"], "delete"], [["?"], "all keys"]];
    const keys = hints.map(([caps, text]) => h("span", {}, ...caps.map((cap) => h("kbd", {}, cap)), text));
    return h("div", { class: "vw-foot" }, h("div", { class: "vw-keys" }, ...keys));
  }

  private async buildImage(): Promise<void> {
    const { media, annotations } = this.data;
    let size: Size | null = media.width && media.height ? { width: media.width, height: media.height } : null;
    if (!size && media.src) size = await naturalSize(media.src);
    const relative = !size;
    size ??= canvasSize(media, annotations) ?? { width: 1000, height: 750 };
    this.image = new ImageEditor(
      media,
      size,
      this.classes,
      { create: (kind, geometry) => this.create(kind, geometry), change: (annotation) => this.put(annotation), select: (id) => this.select(id), viewed: () => this.zoom?.show() },
      relative && !annotations.some((each) => each.geometry?.box && each.geometry.box.frame !== "relative"),
    );
    this.zoom = zoomControls(() => (this.image ? [this.image.stage] : []), "labelhub.editor");
    this.medium.append(this.image.stage.root);
  }

  private drawText(text: string): void {
    const marks = this.edits.annotations.flatMap((annotation) => {
      const span = annotation.geometry?.span;
      return span ? [{ id: annotation.id, ...span, colour: this.classes.colour(annotation), line: "l0", label: [this.classes.name(annotation)], title: this.classes.name(annotation) }] : [];
    });
    this.text = textPane(text, marks, (id) => this.select(id));
    this.text.root.addEventListener("pointerup", () => setTimeout(() => this.spanFromSelection()));
    this.medium.replaceChildren(this.text.root);
  }

  private spanFromSelection(): void {
    const range = this.text?.selection();
    const span = range && this.text ? trimRange(this.text.points, range.start, range.end) : null;
    if (!span) return;
    document.getSelection()?.removeAllRanges();
    this.create("span", { span });
  }

  private buildAudio(): void {
    const { media } = this.data;
    this.audio = new AudioPane({
      src: media.src ?? null,
      duration: media.duration ?? null,
      lanes: this.audioLanes(),
      pick: (id) => this.select(id),
      make: (start, end) => this.create("segment", { segment: { start, end } }),
      change: (id, start, end) => {
        const found = this.edits.annotations.find((each) => each.id === id);
        if (found) this.put({ ...found, geometry: { ...found.geometry, segment: { start, end } } });
      },
    });
    this.medium.append(this.audio.root);
  }

  private audioLanes(): { name: string; segments: { id: string; start: number; end: number; colour: string; line: string; label: string[]; title: string }[] }[] {
    const segments = this.edits.annotations.flatMap((annotation) => {
      const segment = annotation.geometry?.segment;
      const name = this.classes.name(annotation);
      return segment ? [{ id: annotation.id, ...segment, colour: this.classes.colour(annotation), line: "l0", label: [name], title: name }] : [];
    });
    return [{ name: "", segments }];
  }

  // edits

  private create(kind: Kind, geometry: Geometry): void {
    const chosen = this.picker.active;
    const annotation: Annotation = { id: newId(), kind, geometry, attributes: {}, origin: "human", ...(chosen ? { class: chosen.name, class_id: chosen.id } : {}) };
    this.selected = annotation.id;
    this.put(annotation);
    if (!chosen) this.picker.focus();
  }

  private relabel(chosen: SchemaClass): void {
    const { current } = this;
    if (!current || current.class_id === chosen.id || (current.class === chosen.name && !current.class_id)) return;
    this.put({ ...current, class: chosen.name, class_id: chosen.id });
  }

  private setField(name: string, value: Scalar): void {
    const { current } = this;
    if (!current) return;
    const attributes = { ...current.attributes };
    if (value === null) delete attributes[name];
    else attributes[name] = value;
    this.put({ ...current, attributes });
  }

  private toggleBadge(chosen: SchemaClass): void {
    const group = this.data.groups?.find((each) => each.classes.includes(chosen.id)) ?? null;
    this.stage(toggleClassification(this.edits.annotations, chosen, group, this.where));
  }

  /** Arrow keys move at once on the screen and are staged as one edit when they rest. */
  private nudge(dx: number, dy: number): void {
    const { current, image } = this;
    if (!current || !image) return;
    const next = image.nudged(this.nudging?.annotation ?? current, dx, dy);
    if (!next) return;
    window.clearTimeout(this.nudging?.timer);
    this.nudging = { annotation: next, timer: window.setTimeout(() => this.commitNudge(), 500) };
    image.show(this.edits.annotations.map((each) => (each.id === next.id ? next : each)), this.selected);
  }

  private commitNudge(): void {
    if (!this.nudging) return;
    window.clearTimeout(this.nudging.timer);
    const { annotation } = this.nudging;
    this.nudging = null;
    this.put(annotation);
  }

  // selection

  private get current(): Annotation | null {
    return this.edits.annotations.find((each) => each.id === this.selected) ?? null;
  }

  private neighbour(id: string): string | null {
    const ids = this.edits.annotations.map((each) => each.id);
    const at = ids.indexOf(id);
    return ids[at + 1] ?? ids[at - 1] ?? null;
  }

  select(id: string | null): void {
    this.commitNudge();
    this.selected = id;
    if (this.current) this.picker.show(this.classes.of(this.current));
    this.refresh();
    if (id) this.image?.reveal(id);
    this.dispatchEvent(new CustomEvent("lh-select", { bubbles: true, detail: { id, annotation: this.current } }));
  }

  private step(by: number): void {
    const ids = this.edits.annotations.map((each) => each.id);
    if (!ids.length) return;
    const at = this.selected ? ids.indexOf(this.selected) : by > 0 ? -1 : 0;
    this.select(ids[(at + by + ids.length) % ids.length]!);
  }

  private setTool(tool: Tool): void {
    this.tool = tool;
    this.image?.setTool(tool);
    for (const node of this.tools.children) node.setAttribute("aria-pressed", String((node as HTMLElement).dataset["tool"] === tool));
  }

  // showing

  private refresh(): void {
    if (this.selected && !this.current) this.selected = null;
    this.image?.show(this.edits.annotations, this.selected);
    if (this.text && typeof this.data.media.text === "string") {
      this.drawText(this.data.media.text);
      this.text.select(this.selected);
    }
    this.audio?.setLanes(this.audioLanes());
    this.audio?.select(this.selected);
    this.undoButton.disabled = !this.server.undo;
    this.redoButton.disabled = !this.server.redo;
    this.showCount();
    this.showList();
    this.showBadges();
    this.showAttributes();
  }

  private showCount(): void {
    const total = this.staged + (this.outbox.waiting ? this.outbox.unsent.length : 0);
    this.count.replaceChildren(total ? `Review ${total} ${total === 1 ? "edit" : "edits"} and commit` : "No edits yet");
    if (total) this.count.href = this.getAttribute("review-url") ?? "#";
    else this.count.removeAttribute("href");
    this.count.setAttribute("aria-disabled", String(!total));
  }

  private showList(): void {
    const rows = this.edits.annotations.filter((each) => each.kind !== "classification").map((annotation) => this.row(annotation));
    this.listCount.textContent = String(rows.length);
    this.list.replaceChildren(...(rows.length ? rows : [h("p", { class: "empty" }, this.image ? "No annotations yet. Press b and drag to draw the first box." : "No annotations yet. Select some of it to label it.")]));
    showWithin(this.list.querySelector('[aria-pressed="true"]'));
  }

  private row(annotation: Annotation): HTMLElement {
    const on = annotation.id === this.selected;
    const span = annotation.geometry?.span;
    const detail = span && this.text ? this.text.points.slice(span.start, Math.min(span.end, span.start + 24)) : geometryText(annotation);
    const row = h("button", { type: "button", class: "ed-item", "aria-pressed": String(on) }, h("span", { class: "dot", style: `--c:${this.classes.colour(annotation)}` }), h("span", { class: "cut" }, this.classes.name(annotation)), h("span", { class: "mono cut" }, detail));
    row.addEventListener("click", () => this.select(annotation.id));
    return row;
  }

  private showBadges(): void {
    if (!this.hasBadges) return;
    const chosen = this.edits.annotations.filter((each) => each.kind === "classification").map((each) => this.classes.of(each)?.id);
    const grouped = this.data.groups?.flatMap((group) => group.classes) ?? [];
    const offered = grouped.length ? this.classes.all.filter((each) => grouped.includes(each.id)) : this.classes.all;
    this.badges.replaceChildren(
      ...offered.slice(0, 60).map((each) => {
        const on = chosen.includes(each.id);
        const node = h("button", { type: "button", class: "btn x", "aria-pressed": String(on) }, on ? icon("check") : h("span", { class: "dot", style: `--c:${this.classes.colourOf(each)}` }), each.name);
        node.addEventListener("click", () => this.toggleBadge(each));
        return node;
      }),
    );
  }

  private showAttributes(): void {
    const { current } = this;
    const { attributes } = this.data;
    if (!current) {
      this.panel.replaceChildren();
      return;
    }
    const trash = button("Delete", { icon: "trash", key: "Del" }, () => this.deleteOne());
    const head = h("header", {}, h("span", { class: "dot", style: `--c:${this.classes.colour(current)}` }), h("b", {}, this.classes.name(current)), h("span", { class: "mono m" }, geometryText(current)), h("span", { class: "grow" }), trash);
    this.panel.replaceChildren(head, ...(attributes?.length ? [attributeForm(current, attributes, (name, value) => this.setField(name, value))] : []));
  }

  private get commands(): KeyCommand[] {
    const arrows: [string, number, number, string][] = [["ArrowLeft", -1, 0, "left"], ["ArrowRight", 1, 0, "right"], ["ArrowUp", 0, -1, "up"], ["ArrowDown", 0, 1, "down"]];
    const numbers = Array.from({ length: 9 }, (_, i) => String(i + 1));
    return [
      ...this.usable.map(({ tool, text, key }) => ({ keys: [key], text: text.toLowerCase(), run: () => this.setTool(tool) })),
      { keys: numbers, text: "class of the selection, or of the next shape", run: (event) => this.byNumber(Number(event.key)) },
      { keys: ["t"], text: "find a class by typing", run: () => this.picker.focus() },
      { keys: ["n"], text: "next annotation", run: () => this.step(1) },
      { keys: ["p"], text: "previous annotation", run: () => this.step(-1) },
      { keys: ["Delete", "Backspace"], text: "delete the selection", run: () => this.deleteOne() },
      ...(this.current && this.image ? arrows.map(([key, dx, dy, text]): KeyCommand => ({ keys: [key], text: `move ${text}; with Shift ten pixels`, run: (event) => this.nudge(dx * (event.shiftKey ? 10 : 1), dy * (event.shiftKey ? 10 : 1)) })) : []),
      { keys: ["Enter"], text: "finish the polygon", run: () => this.image?.finishRing() },
      { keys: ["Escape"], text: "stop drawing, select nothing", run: () => !this.image?.cancel() && this.select(null) },
      { keys: ["u"], text: "undo", run: () => this.undo() },
      { keys: ["r"], text: "redo", run: () => this.redo() },
      { keys: ["j"], text: "next sample", run: () => press("[data-next-sample]") },
      { keys: ["k"], text: "previous sample", run: () => press("[data-previous-sample]") },
      { keys: ["+", "="], text: "zoom in", run: () => this.image?.stage.zoom(1.25) },
      { keys: ["-"], text: "zoom out", run: () => this.image?.stage.zoom(0.8) },
      { keys: ["0"], text: "fit", run: () => this.image?.stage.fit() },
      { keys: ["?"], text: "all keys", run: () => showHelp(this.commands) },
    ];
  }

  private byNumber(number: number): void {
    const chosen = this.picker.byNumber(number);
    if (chosen) this.picker.pick(chosen);
  }

  private listen(): void {
    const { signal } = this.life;
    listenKeys(this, () => this.commands, signal);
    document.addEventListener(
      "keydown",
      (event) => {
        if (!(event.ctrlKey || event.metaKey) || isTyping(event.target)) return;
        const key = event.key.toLowerCase();
        if (key !== "z" && key !== "y") return;
        event.preventDefault();
        if (key === "y" || event.shiftKey) this.redo();
        else this.undo();
      },
      { signal },
    );
    window.addEventListener("online", () => void this.outbox.flush(), { signal });
  }
}

customElements.define("lh-editor", Editor);
