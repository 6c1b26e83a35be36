// <lh-diff-viewer>: the changes of one sample on its medium, in four modes. See README.md for the island.
// Events: lh-select {number, change}, lh-mode {mode}. Rows of the page with data-change="n" follow the selection.
// Keys press the page's own controls: [data-next-sample], [data-accept] in the current row, and so on.

import type { Annotation, DiffData } from "../types/annotations";
import { classNames, countKinds, isShifted, markKind, MARKS, type MarkKind, sentence, tagText } from "../lib/changes";
import { Classes } from "../lib/colours";
import { h, icon, readIsland, s, showWithin } from "../lib/dom";
import { canvasSize, hitOf, type Size } from "../lib/geometry";
import { readKept, writeKept } from "../lib/kept";
import { type KeyCommand, listenKeys, press, showHelp } from "../lib/keys";
import { AudioPane, type Lane, type Segment } from "./audio-pane";
import { applyKept, type ZoomControls, zoomControls } from "./controls";
import { changeBounds, changeTag, drawChange, drawContext, drawSuggestion, type Side } from "./shapes";
import { naturalSize, Stage } from "./stage";
import { type TextMark, textPane } from "./text-pane";
import { changeBadge, isPlaced, tipContent } from "./words";

const KEPT = "labelhub.diff";
const MODES = [
  { mode: "overlay", text: "Overlay", key: "1" },
  { mode: "side", text: "Side by side", key: "2" },
  { mode: "swipe", text: "Swipe", key: "3" },
  { mode: "blink", text: "Blink", key: "4" },
] as const;
type Mode = (typeof MODES)[number]["mode"];
const MODE_ICON: Record<Mode, string> = { overlay: "overlay", side: "side-by-side", swipe: "swipe", blink: "blink" };

interface Pane {
  stage: Stage;
  side: Side;
  /** The group that swipe clips and blink hides. */
  after: SVGGElement | null;
}

class DiffViewer extends HTMLElement {
  private data!: DiffData;
  private classes!: Classes;
  private size: Size | null = null;
  private mode: Mode = "overlay";
  private only = false;
  private current = 0;
  private panes: Pane[] = [];
  private audio: AudioPane | null = null;
  private body = h("div", { class: "vw-stages" });
  private controls: ZoomControls | null = null;
  private life = new AbortController();
  private swipeAt = 0.5;

  connectedCallback(): void {
    const data = this.data ?? readIsland<DiffData>(this);
    if (!data) return;
    this.data = data;
    this.classes = new Classes(data.classes);
    const kept = readKept(KEPT);
    this.mode = MODES.find((each) => each.mode === kept.mode)?.mode ?? "overlay";
    this.only = kept.only ?? false;
    this.life = new AbortController();
    void this.start();
  }

  disconnectedCallback(): void {
    this.life.abort();
    this.clear();
  }

  private clear(): void {
    for (const pane of this.panes) pane.stage.dispose();
    this.panes = [];
    this.audio?.dispose();
    this.audio = null;
  }

  private async start(): Promise<void> {
    const { media, changes, unchanged } = this.data;
    if (media.type === "image" || media.type === "none") {
      const every = [...changes.flatMap((change) => [change.before, change.after]), ...unchanged].filter((each): each is Annotation => Boolean(each));
      this.size = canvasSize(media, every);
      if (media.src && !(media.width && media.height)) this.size = (await naturalSize(media.src)) ?? this.size;
      if (this.life.signal.aborted) return;
    }
    this.controls = zoomControls(() => this.panes.map((pane) => pane.stage), KEPT);
    this.draw();
    this.listen();
  }

  private draw(): void {
    this.clear();
    this.body = h("div", { class: "vw-stages" });
    const { media } = this.data;
    const drawn = media.type === "text" ? this.drawText() : media.type === "audio" ? this.drawAudio() : this.drawPictures();
    this.replaceChildren(this.bar(), ...(drawn ? [this.body] : []), ...this.facts(), this.foot());
    this.mark();
  }

  // the frame

  private get modes(): readonly (typeof MODES)[number][] {
    const { type } = this.data.media;
    if (type === "audio") return [];
    return type === "text" ? MODES.slice(0, 2) : MODES;
  }

  private bar(): HTMLElement {
    const group = h("span", { class: "seg", role: "group", "aria-label": "How to compare" });
    const active = this.modes.some((each) => each.mode === this.mode) ? this.mode : "overlay";
    for (const { mode, text, key } of this.modes) {
      const node = h("button", { type: "button", "aria-pressed": String(mode === active), title: `${text} (${key})` }, icon(MODE_ICON[mode]), h("span", { class: "word" }, text));
      node.addEventListener("click", () => this.setMode(mode));
      group.append(node);
    }
    const box = h("input", { type: "checkbox", checked: this.only });
    box.addEventListener("change", () => this.setOnly(box.checked));
    const only = h("label", { class: "row" }, box, "Only changes");
    return h("div", { class: "vw-bar" }, this.modes.length ? group : null, only, this.panes.length ? this.controls?.root : null);
  }

  private foot(): HTMLElement {
    const counts = countKinds(this.data.changes);
    const kinds = (Object.keys(counts) as MarkKind[]).filter((kind) => counts[kind]);
    const key = kinds.map((kind) => h("span", { class: `k ${kind}` }, icon(MARKS[kind].icon), `${counts[kind]} ${MARKS[kind].word}`));
    if (this.data.suggestions?.length) key.push(h("span", { class: "k sug" }, icon("suggestion"), "suggestion"));
    const quiet = s("svg", { class: "sw", viewBox: "0 0 22 12" }, s("rect", { x: 1.5, y: 1.5, width: 19, height: 9, style: "fill:none;stroke:var(--line-strong)" }));
    return h("div", { class: "vw-foot" }, ...key, h("span", {}, quiet, `${this.data.unchanged.length} unchanged${this.only ? ", hidden" : ""}`));
  }

  private facts(): HTMLElement[] {
    const medium = this.data.media.type;
    const rest = this.data.changes.map((change, index) => ({ change, number: index + 1 })).filter(({ change }) => {
      const shown = change.after ?? change.before;
      return shown && !isPlaced(shown, medium);
    });
    if (!rest.length) return [];
    const box = h("div", { class: "vw-facts" }, ...rest.map(({ change, number }) => changeBadge(change, number)));
    box.addEventListener("click", (event) => this.pickFrom(event));
    return [box];
  }

  // pictures

  private drawPictures(): boolean {
    if (!this.size) return false;
    const side = this.mode === "side";
    this.body.classList.toggle("two", side);
    if (side) this.panes = [this.pane("before"), this.pane("after")];
    else if (this.mode === "overlay") this.panes = [this.pane("both")];
    else this.panes = [this.layeredPane()];
    const stages = this.panes.map((pane) => pane.stage);
    applyKept(stages, KEPT);
    this.body.replaceChildren(...stages.map((stage) => stage.root));
    return true;
  }

  private stageFor(label: string): Stage {
    const stage: Stage = new Stage(this.data.media, this.size!, label, {
      hover: (hit, at) => this.hover(stage, hit?.id ?? null, at),
      pick: (hit) => hit && this.select(this.numberOf(hit.id)),
      viewed: (moved) => this.viewed(moved),
    });
    return stage;
  }

  private pane(side: Side): Pane {
    const { names } = this.data;
    const label = side === "both" ? "Before and after on the same picture" : side;
    const pane: Pane = { stage: this.stageFor(label), side, after: null };
    if (side !== "both") pane.stage.root.append(h("span", { class: "corner" }, side === "before" ? `Before${names ? ` · ${names.before}` : ""}` : `After${names ? ` · ${names.after}` : ""}`));
    this.fill(pane);
    return pane;
  }

  /** Swipe and blink: both sides on one picture, the after side clipped or switched. */
  private layeredPane(): Pane {
    const pane = this.pane("both");
    pane.stage.tags.replaceChildren();
    const { stage } = pane;
    const [before, after] = [s("g"), s("g")];
    this.fillSide(before, "before", stage);
    this.fillSide(after, "after", stage);
    stage.layer.replaceChildren(before, after);
    stage.setTags([]);
    pane.after = after;
    if (this.mode === "blink") {
      after.classList.add("blinking");
      before.classList.add("blinking");
      before.style.animationDelay = "-0.6s";
    } else this.swipe(stage, before, after);
    return pane;
  }

  private swipe(stage: Stage, before: SVGGElement, after: SVGGElement): void {
    const handle = h("button", { type: "button", class: "vw-swipe", role: "slider", "aria-label": "Before and after", "aria-valuemin": 0, "aria-valuemax": 100 });
    const clips = [s("clipPath", { id: "lh-before", clipPathUnits: "userSpaceOnUse" }, s("rect")), s("clipPath", { id: "lh-after", clipPathUnits: "userSpaceOnUse" }, s("rect"))];
    stage.svg.prepend(...clips);
    before.setAttribute("clip-path", "url(#lh-before)");
    after.setAttribute("clip-path", "url(#lh-after)");
    const place = (): void => {
      const { width, height } = stage.root.getBoundingClientRect();
      const { scale, x, y } = stage.view;
      const at = (this.swipeAt * width - x) / scale;
      const set = (clip: Element, from: number, to: number): void => {
        const rect = clip.firstElementChild!;
        for (const [name, value] of Object.entries({ x: from, y: -y / scale, width: Math.max(0, to - from), height: height / scale })) rect.setAttribute(name, String(value));
      };
      set(clips[0]!, -x / scale, at);
      set(clips[1]!, at, (width - x) / scale);
      handle.style.left = `${this.swipeAt * 100}%`;
      handle.setAttribute("aria-valuenow", String(Math.round(this.swipeAt * 100)));
    };
    const to = (part: number): void => {
      this.swipeAt = Math.max(0.02, Math.min(0.98, part));
      place();
    };
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      const box = stage.root.getBoundingClientRect();
      if (handle.hasPointerCapture(event.pointerId)) to((event.clientX - box.left) / box.width);
    });
    handle.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      event.preventDefault();
      to(this.swipeAt + (event.key === "ArrowLeft" ? -0.05 : 0.05));
    });
    stage.root.append(handle, h("span", { class: "corner" }, "Before"), h("span", { class: "corner end" }, "After"));
    this.placeSwipe = place;
    requestAnimationFrame(place);
  }

  private placeSwipe: (() => void) | null = null;

  private fillSide(group: SVGGElement, side: Side, stage: Stage): void {
    const pixel = 1 / (stage.view.scale || 1);
    if (!this.only) group.append(drawContext(this.data.unchanged, stage.size));
    this.data.changes.forEach((change, index) => {
      const node = drawChange(change, stage.size, side, pixel);
      if (!node) return;
      node.dataset["change"] = String(index + 1);
      group.append(node);
    });
  }

  private fill(pane: Pane): void {
    const { stage, side } = pane;
    const group = s("g");
    this.fillSide(group, side, stage);
    for (const { annotation } of side === "before" ? [] : (this.data.suggestions ?? [])) {
      const node = drawSuggestion(annotation, stage.size);
      if (node) group.append(node);
    }
    stage.layer.replaceChildren(group);
    this.setHits(stage, side);
    stage.setTags(this.tagsFor(stage, side));
  }

  private setHits(stage: Stage, side: Side): void {
    stage.hits = this.data.changes.flatMap((change, index) => {
      const shown = side === "before" ? change.before : side === "after" ? change.after : (change.after ?? change.before);
      const hit = shown && hitOf(shown, stage.size);
      return hit ? [{ ...hit, id: String(index + 1) }] : [];
    });
    if (this.only) return;
    stage.hits.push(...this.data.unchanged.flatMap((each) => hitOf(each, stage.size) ?? []));
  }

  private tagsFor(stage: Stage, side: Side): { node: HTMLElement; anchor: { x: number; y: number; w: number; h: number } }[] {
    const tags = this.data.changes.flatMap((change, index) => {
      const anchor = changeBounds(change, stage.size, side);
      if (!anchor) return [];
      const node = changeTag(change, index + 1, side);
      node.addEventListener("click", () => this.select(index + 1));
      return [{ node: node as HTMLElement, anchor }];
    });
    for (const { annotation } of side === "before" ? [] : (this.data.suggestions ?? [])) {
      const hit = hitOf(annotation, stage.size);
      if (hit) tags.push({ node: h("span", { class: "tag sug" }, icon("suggestion"), "suggestion"), anchor: hit.rect });
    }
    return tags;
  }

  private lastScale = 0;

  /** All panes show the same part; arrows keep their size on the screen. */
  private viewed(moved: Stage): void {
    for (const { stage } of this.panes) {
      if (stage === moved || (stage.view.scale === moved.view.scale && stage.view.x === moved.view.x && stage.view.y === moved.view.y)) continue;
      stage.view = { ...moved.view };
      stage.draw();
    }
    if (Math.abs(moved.view.scale / (this.lastScale || 1) - 1) > 0.05) {
      this.lastScale = moved.view.scale;
      for (const pane of this.panes) {
        if (pane.side === "both" && !pane.after) this.fill(pane);
      }
      this.mark(false);
    }
    this.controls?.show();
    this.placeSwipe?.();
    writeKept(KEPT, { view: moved.kept });
  }

  private hover(stage: Stage, id: string | null, at: readonly [number, number]): void {
    const number = id ? this.numberOf(id) : 0;
    if (number) {
      const change = this.data.changes[number - 1]!;
      stage.showTip([h("b", {}, `${number} `, icon(MARKS[markKind(change)].icon), tagText(change)), h("div", {}, sentence(change))], at);
      return;
    }
    const quiet = id ? this.data.unchanged.find((each) => each.id === id) : undefined;
    stage.showTip(quiet ? tipContent(quiet, this.classes, "unchanged", this.data.people ?? {}) : null, at);
  }

  private numberOf(id: string): number {
    const number = Number(id);
    return Number.isInteger(number) && number >= 1 && number <= this.data.changes.length && id.length < 8 ? number : 0;
  }

  // text

  private drawText(): boolean {
    const after = this.data.media.text ?? "";
    const before = this.data.text_before ?? after;
    const side = this.mode === "side" || before !== after;
    this.body.classList.toggle("two", side);
    const pick = (id: string): void => this.select(this.numberOf(id.split(":")[0] ?? ""));
    if (!side) this.body.append(textPane(after, this.textMarks("both"), pick).root);
    else {
      const { names } = this.data;
      const column = (title: string, text: string, which: Side): HTMLElement => h("div", { class: "vw-col" }, h("header", {}, title), textPane(text, this.textMarks(which), pick).root);
      this.body.append(column(`Before${names ? ` · ${names.before}` : ""}`, before, "before"), column(`After${names ? ` · ${names.after}` : ""}`, after, "after"));
    }
    return true;
  }

  private textMarks(side: Side): TextMark[] {
    const marks: TextMark[] = [];
    this.data.changes.forEach((change, index) => {
      const kind = markKind(change);
      const label = (text: string): (Node | string)[] => [h("span", { class: "tx-num" }, String(index + 1)), icon(MARKS[kind].icon, 12), text];
      const { before, after } = change;
      const shown = side === "before" ? before : side === "after" ? after : (after ?? before);
      const span = shown?.geometry?.span;
      if (span) {
        const { before: old } = classNames(change);
        marks.push({ id: `${index + 1}`, ...span, colour: "var(--d)", line: kind, label: label(side === "before" ? (old ?? tagText(change)) : tagText(change)), title: sentence(change) });
      }
      const was = before?.geometry?.span;
      if (side === "both" && was && after && isShifted(change)) marks.push({ id: `${index + 1}:was`, ...was, colour: "var(--d)", line: "mov ghost", label: null, title: `before: ${sentence(change)}` });
    });
    if (!this.only) {
      for (const each of this.data.unchanged) {
        const span = each.geometry?.span;
        if (span) marks.push({ id: each.id, ...span, colour: "var(--line-strong)", line: "quiet", label: null, title: `${this.classes.name(each)}, unchanged` });
      }
    }
    return marks;
  }

  // sound

  private drawAudio(): boolean {
    const { media } = this.data;
    this.audio = new AudioPane({ src: media.src ?? null, duration: media.duration ?? null, lanes: [this.audioLane("before"), this.audioLane("after")], pick: (id) => this.select(this.numberOf(id)) });
    this.body.append(this.audio.root);
    return true;
  }

  private audioLane(side: "before" | "after"): Lane {
    const segments: Segment[] = [];
    this.data.changes.forEach((change, index) => {
      const segment = change[side]?.geometry?.segment;
      if (!segment) return;
      const kind = markKind(change);
      const name = side === "before" ? (classNames(change).before ?? "") : tagText(change);
      segments.push({ id: `${index + 1}`, ...segment, colour: "var(--d)", line: side === "before" && kind === "mov" ? "mov ghost" : kind, label: [h("span", { class: "tx-num" }, String(index + 1)), icon(MARKS[kind].icon, 12), name], title: sentence(change) });
    });
    if (!this.only) {
      for (const each of this.data.unchanged) {
        const segment = each.geometry?.segment;
        if (segment) segments.push({ id: each.id, ...segment, colour: "var(--line-strong)", line: "quiet", label: [this.classes.name(each)], title: "unchanged" });
      }
    }
    return { name: side, segments };
  }

  // selection

  select(number: number, tell = true): void {
    if (!number || number === this.current) return;
    this.current = number;
    this.mark();
    const change = this.data.changes[number - 1];
    const stage = this.panes.at(-1)?.stage;
    const rect = change && stage ? changeBounds(change, stage.size, this.panes.at(-1)!.side) : null;
    if (rect) stage?.reveal(rect);
    if (tell) this.dispatchEvent(new CustomEvent("lh-select", { bubbles: true, detail: { number, change } }));
  }

  private mark(scroll = true): void {
    const now = String(this.current);
    for (const node of this.querySelectorAll<HTMLElement | SVGElement>("[data-change]")) node.classList.toggle("cur", node.dataset["change"] === now);
    for (const node of this.querySelectorAll<HTMLElement>(".tx [data-id], .au-seg")) node.classList.toggle("sel", node.dataset["id"] === now);
    for (const row of document.querySelectorAll<HTMLElement>("[data-change]")) {
      if (this.contains(row)) continue;
      const on = row.dataset["change"] === now;
      row.classList.toggle("cur", on);
      if (on) {
        row.setAttribute("aria-current", "true");
        if (scroll) showWithin(row);
      } else row.removeAttribute("aria-current");
    }
  }

  private pickFrom(event: Event): void {
    const number = Number((event.target as Element).closest<HTMLElement>("[data-change]")?.dataset["change"]);
    if (number) this.select(number);
  }

  private step(by: number): void {
    const { length } = this.data.changes;
    if (length) this.select(((Math.max(this.current, by > 0 ? 0 : 1) - 1 + by + length) % length) + 1);
  }

  private setMode(mode: Mode): void {
    this.mode = mode;
    this.placeSwipe = null;
    this.lastScale = 0;
    writeKept(KEPT, { mode });
    this.draw();
    this.dispatchEvent(new CustomEvent("lh-mode", { bubbles: true, detail: { mode } }));
  }

  private setOnly(only: boolean): void {
    this.only = only;
    writeKept(KEPT, { only });
    this.draw();
  }

  /** Presses a control of the current change; without one, of the first. */
  private inRow(selector: string): void {
    if (!this.current) this.step(1);
    const row = [...document.querySelectorAll<HTMLElement>(`[data-change="${this.current}"]`)].find((each) => !this.contains(each));
    if (row) press(selector, row);
  }

  private get commands(): KeyCommand[] {
    const zoom = (factor: number): void => this.panes.forEach((pane) => pane.stage.zoom(factor));
    return [
      { keys: ["j"], text: "next sample", run: () => press("[data-next-sample]") },
      { keys: ["k"], text: "previous sample", run: () => press("[data-previous-sample]") },
      { keys: ["n"], text: "next change", run: () => this.step(1) },
      { keys: ["p"], text: "previous change", run: () => this.step(-1) },
      { keys: ["a"], text: "accept the change", needs: "[data-accept]", run: () => this.inRow("[data-accept]") },
      { keys: ["x"], text: "reject the change", needs: "[data-reject]", run: () => this.inRow("[data-reject]") },
      { keys: ["c"], text: "comment on the change", needs: "[data-comment]", run: () => this.inRow("[data-comment]") },
      { keys: ["s"], text: "suggest another box or class", needs: "[data-suggest]", run: () => this.inRow("[data-suggest]") },
      { keys: ["v"], text: "mark the sample viewed", needs: "[data-viewed]", run: () => press("[data-viewed]") },
      ...MODES.map(({ mode, text, key }) => ({ keys: [key], text: text.toLowerCase(), run: () => this.setMode(mode) })),
      { keys: ["o"], text: "only changes, or all", run: () => this.setOnly(!this.only) },
      { keys: ["+", "="], text: "zoom in", run: () => zoom(1.25) },
      { keys: ["-"], text: "zoom out", run: () => zoom(0.8) },
      { keys: ["0"], text: "fit", run: () => this.panes.forEach((pane) => pane.stage.fit()) },
      { keys: ["?"], text: "all keys", run: () => showHelp(this.commands) },
    ];
  }

  private listen(): void {
    const { signal } = this.life;
    listenKeys(this, () => this.commands, signal);
    document.addEventListener(
      "click",
      (event) => {
        const target = event.target as Element;
        const row = target.closest<HTMLElement>("[data-change]");
        if (row && !this.contains(row) && !target.closest("a, button, input, textarea")) this.select(Number(row.dataset["change"]));
      },
      { signal },
    );
  }
}

customElements.define("lh-diff-viewer", DiffViewer);
