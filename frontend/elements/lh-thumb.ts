// <lh-thumb src data='{"size":[w,h],"boxes":[[x,y,w,h,class],…],"polygons":[[class,[x,y,…]],…]}' colours="#…,#…">: relative
// 0..1 coordinates over a lazy picture; without src a blank grid; {"text":…,"spans":[[start,end,class],…]} or {"bars":[…]}
// for text and audio. The server's own drawing, components/thumb.html, needs no script and is preferred.

import { DEFAULT_COLOURS } from "../lib/colours";
import { CodePoints } from "../lib/codepoints";
import { h, readIsland, s } from "../lib/dom";
import { cut } from "../lib/spans";

interface ThumbData {
  size?: [number, number];
  boxes?: [number, number, number, number, number][];
  polygons?: [number, number[]][];
  text?: string;
  spans?: [number, number, number][];
  bars?: number[];
}

class Thumb extends HTMLElement {
  connectedCallback(): void {
    const given = this.getAttribute("data");
    const data = given ? (JSON.parse(given) as ThumbData) : readIsland<ThumbData>(this);
    if (!data) return;
    const colours = (this.getAttribute("colours") ?? DEFAULT_COLOURS.join(",")).split(",");
    const colour = (index: number): string => colours[index % colours.length] ?? "#6e7781";
    const src = this.getAttribute("src");
    const frame = h("span", { class: `pic thin${src || data.text || data.bars ? "" : " none"}` });
    if (data.text !== undefined) frame.append(snippet(data, colour));
    else if (data.bars) frame.append(h("span", { class: "wave" }, ...data.bars.map((bar) => h("i", { style: `height:${bar}%` }))));
    else {
      if (src) frame.append(h("img", { src, alt: "", loading: "lazy", decoding: "async" }));
      frame.append(overlay(data, colour, this.getAttribute("label") ?? ""));
    }
    this.replaceChildren(frame);
  }
}

function snippet(data: ThumbData, colour: (index: number) => string): HTMLElement {
  const points = new CodePoints(data.text ?? "");
  const spans = (data.spans ?? []).map(([start, end, each], index) => ({ id: String(index), start, end, each }));
  const out = h("span", { class: "snip" });
  for (const run of cut(spans, Math.min(points.length, 240))) {
    const over = spans.find((span) => span.id === run.ids[0]);
    const text = points.slice(run.start, run.end);
    out.append(over ? h("mark", { style: `--c:${colour(over.each)}` }, text) : text);
  }
  return out;
}

function overlay(data: ThumbData, colour: (index: number) => string, label: string): SVGSVGElement {
  const [w, hh] = data.size ?? [4, 3];
  const paths = new Map<number, string>();
  const add = (each: number, d: string): unknown => paths.set(each, (paths.get(each) ?? "") + d);
  for (const [x, y, bw, bh, each] of data.boxes ?? []) add(each, `M${x * w} ${y * hh}h${bw * w}v${bh * hh}h${-bw * w}z`);
  for (const [each, flat] of data.polygons ?? []) {
    const points: string[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) points.push(`${flat[i]! * w} ${flat[i + 1]! * hh}`);
    add(each, `M${points.join("L")}z`);
  }
  const svg = s("svg", { viewBox: `0 0 ${w} ${hh}`, preserveAspectRatio: "xMidYMid slice", role: "img", "aria-label": label });
  for (const [each, d] of paths) svg.append(s("g", { class: "bx", style: `--c:${colour(each)}` }, s("path", { class: "cs", d }), s("path", { class: "ln", d })));
  return svg;
}

customElements.define("lh-thumb", Thumb);
