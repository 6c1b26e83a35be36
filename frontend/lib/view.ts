// The view of a stage: screen = sample * scale + offset. Pure; the stage draws it, sessionStorage keeps it.

import type { Point } from "../types/annotations";
import type { Size } from "./geometry";

export interface View {
  scale: number;
  x: number;
  y: number;
}

export const LARGEST_SCALE = 64;

/** The whole picture in the stage, centred, with a margin. */
export function fit(content: Size, stage: Size, margin = 12): View {
  const width = Math.max(1, stage.width - 2 * margin);
  const height = Math.max(1, stage.height - 2 * margin);
  const scale = Math.min(width / content.width, height / content.height);
  return { scale, x: (stage.width - content.width * scale) / 2, y: (stage.height - content.height * scale) / 2 };
}

/** Zooms by a factor and keeps the sample point under `at` (screen) where it is. */
export function zoomAt(view: View, factor: number, [ax, ay]: Point, smallest: number): View {
  const scale = Math.max(smallest, Math.min(LARGEST_SCALE, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: ax - (ax - view.x) * ratio, y: ay - (ay - view.y) * ratio };
}

export const pan = (view: View, dx: number, dy: number): View => ({ ...view, x: view.x + dx, y: view.y + dy });

/** Never lets the picture leave the stage altogether: at least a fifth of the stage stays covered. */
export function keepInside(view: View, content: Size, stage: Size): View {
  const [width, height] = [content.width * view.scale, content.height * view.scale];
  const [mx, my] = [Math.min(width, stage.width) * 0.2, Math.min(height, stage.height) * 0.2];
  return {
    scale: view.scale,
    x: Math.max(mx - width, Math.min(stage.width - mx, view.x)),
    y: Math.max(my - height, Math.min(stage.height - my, view.y)),
  };
}

export const toSample = (view: View, [sx, sy]: Point): Point => [(sx - view.x) / view.scale, (sy - view.y) / view.scale];
export const toScreen = (view: View, [x, y]: Point): Point => [x * view.scale + view.x, y * view.scale + view.y];

/** A view that survives to the next sample: relative to fit, so that another picture size shows the same part. */
export interface KeptView {
  zoom: number;
  cx: number;
  cy: number;
}

export function keep(view: View, content: Size, stage: Size): KeptView {
  const [cx, cy] = toSample(view, [stage.width / 2, stage.height / 2]);
  return { zoom: view.scale / fit(content, stage).scale, cx: cx / content.width, cy: cy / content.height };
}

export function restore(kept: KeptView, content: Size, stage: Size): View {
  const scale = fit(content, stage).scale * kept.zoom;
  return { scale, x: stage.width / 2 - kept.cx * content.width * scale, y: stage.height / 2 - kept.cy * content.height * scale };
}
