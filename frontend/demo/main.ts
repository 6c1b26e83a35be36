// The demonstration: every element with invented data. Only the development server serves it; the build leaves it out.

import "../styles/main.css";
import "../elements/lh-confirm";
import "../elements/lh-copy";
import "../elements/lh-theme";
import { h, icon } from "../lib/dom";
import * as data from "./data";
import { editorChrome, textChrome } from "./staging";

/** A photograph in demo/local/ when somebody put one there, else drawn cells. */
async function picture(): Promise<string> {
  const local = "/static/demo/local/cells.jpg";
  const found = await fetch(local).then((answer) => answer.headers.get("content-type")?.startsWith("image/"), () => false);
  if (found) return local;
  const canvas = h("canvas", { width: 640, height: 480 });
  const pen = canvas.getContext("2d")!;
  pen.fillStyle = "#cfc9c6";
  pen.fillRect(0, 0, 640, 480);
  for (const each of [...data.diff("").unchanged, ...data.changes.flatMap((change) => change.after ?? [])]) {
    const { x, y, w, h: high } = each.geometry!.box!;
    pen.fillStyle = each.class === "RBC" ? "#b8897f" : "#6a4fa3";
    pen.beginPath();
    pen.ellipse(x + w / 2, y + high / 2, w / 2.1, high / 2.1, 0, 0, 7);
    pen.fill();
  }
  return canvas.toDataURL();
}

function element(tag: string, value: unknown, attributes: Record<string, string> = {}): HTMLElement {
  const node = document.createElement(tag);
  for (const [name, each] of Object.entries(attributes)) node.setAttribute(name, each);
  node.append(h("script", { type: "application/json" }, JSON.stringify(value)));
  return node;
}

async function start(): Promise<void> {
  const src = await picture();
  const sound = data.wave();
  const wanted = new URLSearchParams(location.search);
  const theme = wanted.get("theme");
  if (theme) document.documentElement.dataset["theme"] = theme;
  const mode = wanted.get("mode");
  sessionStorage.setItem("labelhub.diff", JSON.stringify(mode ? { mode } : {}));
  const sections: Record<string, () => HTMLElement> = {
    viewer: () => element("lh-viewer", data.viewer(src)),
    diff: () => element("lh-diff-viewer", data.diff(src)),
    text: () => element("lh-viewer", data.text),
    textdiff: () => element("lh-diff-viewer", data.textDiff),
    sound: () => element("lh-viewer", data.sound(sound)),
    sounddiff: () => element("lh-diff-viewer", data.soundDiff(sound)),
    blank: () => element("lh-viewer", data.blank),
    crowd: () => element("lh-viewer", data.crowd(1000)),
    editor: () => element("lh-editor", data.editor(src), editorChrome),
    texteditor: () => element("lh-editor", data.textEditor, textChrome),
  };
  const only = wanted.get("show")?.split(",");
  const main = document.querySelector("main")!;
  for (const [name, make] of Object.entries(sections)) {
    if (only && !only.includes(name)) continue;
    main.append(h("section", { class: "box", style: "margin-bottom:24px" }, make()));
  }
  await Promise.all([import("../elements/lh-viewer"), import("../elements/lh-diff-viewer"), import("../elements/lh-editor")]);
  const pick = wanted.get("pick");
  if (pick) setTimeout(() => document.querySelector<HTMLElement>(pick)?.click(), 400);
  document.querySelector("header .grow")?.after(icon("check"));
}

void start();
