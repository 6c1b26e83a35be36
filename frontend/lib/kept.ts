// What survives going to the next sample: zoom, centre, brightness, mode, filters. Per tab, in sessionStorage.

import type { KeptView } from "./view";

export interface Kept {
  view?: KeptView | null;
  brightness?: number;
  mode?: string;
  only?: boolean;
}

export function readKept(name: string): Kept {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "{}") as Kept;
  } catch {
    return {};
  }
}

export function writeKept(name: string, part: Kept): void {
  try {
    sessionStorage.setItem(name, JSON.stringify({ ...readKept(name), ...part }));
  } catch {
    // Storage is off: the view starts anew on each page.
  }
}
