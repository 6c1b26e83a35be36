// The zoom and brightness controls that every stage has.

import { button, h } from "../lib/dom";
import { readKept, writeKept } from "../lib/kept";
import type { Stage } from "./stage";

export interface ZoomControls {
  root: HTMLElement;
  show: () => void;
}

/** `name` is where zoom and brightness are kept for the next sample; `stages` move together. */
export function zoomControls(stages: () => Stage[], name: string): ZoomControls {
  const percent = h("span", { class: "mono", "aria-live": "off" });
  const each = (run: (stage: Stage) => void): void => stages().forEach(run);
  const slider = h("input", { type: "range", min: 0.4, max: 2.5, step: 0.05, value: readKept(name).brightness ?? 1, "aria-label": "Brightness" });
  const light = (): void => {
    const value = Number(slider.value);
    each((stage) => stage.brightness(value));
    writeKept(name, { brightness: value });
  };
  slider.addEventListener("input", light);
  const reset = h("button", { type: "button", class: "btn x" }, "As it is");
  reset.addEventListener("click", () => {
    slider.value = "1";
    light();
  });
  const pop = h("div", { class: "pop", hidden: true }, h("span", { class: "sm" }, "Brightness"), slider, reset);
  const root = h(
    "div",
    { class: "vw-zoom" },
    button("Zoom out", { icon: "zoom-out", key: "−" }, () => each((stage) => stage.zoom(1 / 1.25))),
    percent,
    button("Zoom in", { icon: "zoom-in", key: "+" }, () => each((stage) => stage.zoom(1.25))),
    button("Fit", { icon: "fit", key: "0" }, () => each((stage) => stage.fit())),
    h("span", { class: "vw-light" }, button("Brightness", { icon: "sun" }, () => (pop.hidden = !pop.hidden)), pop),
  );
  const show = (): void => {
    const first = stages()[0];
    if (first) percent.textContent = `${first.percent} %`;
  };
  return { root, show };
}

/** Applies what was kept from the sample before. */
export function applyKept(stages: readonly Stage[], name: string): void {
  const kept = readKept(name);
  for (const stage of stages) {
    if (kept.view) stage.restore(kept.view);
    if (kept.brightness && kept.brightness !== 1) stage.brightness(kept.brightness);
  }
}
