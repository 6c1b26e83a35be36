// A sound: its wave (wavesurfer, fetched when there is something to hear), a time axis and lanes of segments of our own,
// so that a segment looks the same in viewer, diff and editor. Without a file the lanes stand on the declared duration.

import type WaveSurfer from "wavesurfer.js";
import { cspNonce, h, icon, number } from "../lib/dom";
import { lanes } from "../lib/spans";

export interface Segment {
  id: string;
  start: number;
  end: number;
  colour: string;
  /** l0…l3, or a kind of change. */
  line: string;
  label: (Node | string)[];
  title: string;
}

export interface Lane {
  name: string;
  segments: Segment[];
}

export interface AudioOptions {
  src: string | null;
  duration: number | null;
  lanes: Lane[];
  pick: (id: string) => void;
  /** The editor makes and changes segments; viewers leave these out. */
  make?: (start: number, end: number) => void;
  change?: (id: string, start: number, end: number) => void;
}

export class AudioPane {
  readonly root: HTMLElement;
  private readonly wave = h("div", { class: "au-wave" });
  private readonly lanesBox = h("div", { class: "au-lanes" });
  private readonly axis = h("div", { class: "au-axis", "aria-hidden": "true" });
  private readonly head = h("div", { class: "au-head" });
  private readonly play: HTMLButtonElement;
  private surfer: WaveSurfer | null = null;
  private length: number;

  constructor(private readonly options: AudioOptions) {
    const last = Math.max(0, ...options.lanes.flatMap((lane) => lane.segments.map((segment) => segment.end)));
    this.length = options.duration || last * 1.04 || 1;
    this.play = h("button", { type: "button", class: "btn x", disabled: true }, icon("play"), "Play");
    this.play.addEventListener("click", () => void this.surfer?.playPause());
    this.root = h("div", { class: "au", tabindex: 0, role: "group", "aria-label": "Sound with labels" }, this.wave, this.lanesBox, this.axis, h("div", { class: "row" }, this.play));
    this.drawLanes();
    if (options.make) this.listenMaking();
    if (options.src) void this.load(options.src);
    else this.wave.append(h("p", { class: "empty" }, "The sound itself is not stored here."));
  }

  dispose(): void {
    this.surfer?.destroy();
  }

  toggle(): void {
    void this.surfer?.playPause();
  }

  private async load(src: string): Promise<void> {
    const { default: Surfer } = await import("wavesurfer.js");
    const nonce = cspNonce();
    this.surfer = Surfer.create({
      container: this.wave,
      url: src,
      height: 96,
      waveColor: tokenColour(this.root, "--line-strong"),
      progressColor: tokenColour(this.root, "--fg-accent"),
      cursorColor: tokenColour(this.root, "--fg-danger"),
      normalize: true,
      ...(nonce ? { cspNonce: nonce } : {}),
    });
    this.surfer.on("ready", (duration) => {
      this.length = duration || this.length;
      this.play.disabled = false;
      this.drawLanes();
    });
    this.surfer.on("timeupdate", (at) => {
      this.head.style.left = `${(100 * at) / this.length}%`;
    });
    this.surfer.on("play", () => this.play.replaceChildren(icon("pause"), "Pause"));
    this.surfer.on("pause", () => this.play.replaceChildren(icon("play"), "Play"));
    this.surfer.on("error", () => this.wave.replaceChildren(h("p", { class: "empty", role: "alert" }, "The sound could not be loaded. The labels below are complete.")));
  }

  setLanes(next: Lane[]): void {
    this.options.lanes = next;
    this.drawLanes();
  }

  private drawLanes(): void {
    const rows: HTMLElement[] = [];
    for (const lane of this.options.lanes) {
      const depth = lanes(lane.segments);
      const count = Math.max(1, ...[...depth.values()].map((each) => each + 1));
      for (let level = 0; level < count; level++) {
        const row = h("div", { class: "au-lane" });
        if (level === 0 && lane.name) row.append(h("span", { class: "vw-lane-name" }, lane.name));
        row.append(...lane.segments.filter((segment) => depth.get(segment.id) === level).map((segment) => this.segment(segment)));
        rows.push(row);
      }
    }
    this.lanesBox.replaceChildren(...rows, this.head);
    this.axis.replaceChildren(...[0, 0.25, 0.5, 0.75, 1].map((part) => h("span", {}, `${number(part * this.length, 2)} s`)));
  }

  private segment(segment: Segment): HTMLElement {
    const left = (100 * segment.start) / this.length;
    const width = (100 * (segment.end - segment.start)) / this.length;
    const node = h("button", { type: "button", class: `au-seg ${segment.line}`, "data-id": segment.id, title: segment.title, style: `--c:${segment.colour};left:${left}%;width:${width}%` }, ...segment.label);
    node.addEventListener("click", () => {
      this.options.pick(segment.id);
      this.surfer?.setTime(Math.min(segment.start, this.length));
    });
    if (this.options.change) {
      node.append(h("span", { class: "edge a" }), h("span", { class: "edge b" }));
      this.listenChanging(node, segment);
    }
    return node;
  }

  select(id: string | null): void {
    for (const node of this.lanesBox.querySelectorAll<HTMLElement>("[data-id]")) node.classList.toggle("sel", node.dataset["id"] === id);
  }

  private time(event: PointerEvent): number {
    const { left, width } = this.lanesBox.getBoundingClientRect();
    return Math.round(Math.max(0, Math.min(1, (event.clientX - left) / width)) * this.length * 1000) / 1000;
  }

  private listenMaking(): void {
    let from: number | null = null;
    const draft = h("div", { class: "au-seg", style: "--c:var(--fg-accent);top:0;bottom:0" });
    this.lanesBox.addEventListener("pointerdown", (event) => {
      if ((event.target as Element).closest(".au-seg") || event.button) return;
      from = this.time(event);
      this.lanesBox.setPointerCapture(event.pointerId);
      this.lanesBox.append(draft);
      draft.style.width = "0";
    });
    this.lanesBox.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = this.time(event);
      draft.style.left = `${(100 * Math.min(from, to)) / this.length}%`;
      draft.style.width = `${(100 * Math.abs(to - from)) / this.length}%`;
    });
    this.lanesBox.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = this.time(event);
      draft.remove();
      if (Math.abs(to - from) > this.length * 0.005) this.options.make?.(Math.min(from, to), Math.max(from, to));
      from = null;
    });
  }

  private listenChanging(node: HTMLElement, segment: Segment): void {
    node.addEventListener("pointerdown", (event) => {
      const edge = (event.target as Element).closest(".edge");
      if (event.button) return;
      event.stopPropagation();
      const began = this.time(event);
      let [start, end] = [segment.start, segment.end];
      node.setPointerCapture(event.pointerId);
      const move = (next: PointerEvent): void => {
        const by = this.time(next) - began;
        const length = segment.end - segment.start;
        if (edge?.classList.contains("a")) start = Math.max(0, Math.min(segment.start + by, segment.end - 0.005));
        else if (edge) end = Math.min(this.length, Math.max(segment.end + by, segment.start + 0.005));
        else [start, end] = [Math.max(0, Math.min(segment.start + by, this.length - length)), Math.max(length, Math.min(segment.end + by, this.length))];
        node.style.left = `${(100 * start) / this.length}%`;
        node.style.width = `${(100 * (end - start)) / this.length}%`;
      };
      node.addEventListener("pointermove", move);
      node.addEventListener(
        "pointerup",
        () => {
          node.removeEventListener("pointermove", move);
          if (start !== segment.start || end !== segment.end) this.options.change?.(segment.id, Math.round(start * 1000) / 1000, Math.round(end * 1000) / 1000);
        },
        { once: true },
      );
    });
  }
}

/** A token as a plain colour: a canvas cannot read light-dark(). */
function tokenColour(within: HTMLElement, token: string): string {
  const probe = h("span", { style: `color:var(${token})` });
  within.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
