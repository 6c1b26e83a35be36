// The list of classes of the editor: type to filter, arrows and Enter to choose, number keys for the recent ones.

import type { SchemaClass } from "../types/annotations";
import { type Classes, filterClasses, numberKeys } from "../lib/colours";
import { h, icon } from "../lib/dom";

export class ClassPicker {
  readonly root: HTMLElement;
  private readonly input = h("input", { placeholder: "Filter classes", "aria-label": "Filter classes", autocomplete: "off" });
  private readonly list = h("div", { class: "ed-classes", role: "group", "aria-label": "Classes" });
  private recent: string[] = [];
  private at = 0;
  active: SchemaClass | null;

  constructor(private readonly classes: Classes, private readonly choose: (chosen: SchemaClass) => void) {
    this.active = classes.all.find((each) => !each.deprecated) ?? null;
    this.root = h("section", { "aria-label": "Class" }, h("header", {}, h("span", { class: "field sm grow" }, icon("search"), this.input, h("kbd", {}, "t"))), this.list);
    this.input.addEventListener("input", () => {
      this.at = 0;
      this.draw();
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.draw();
  }

  focus(): void {
    this.input.value = "";
    this.draw();
    this.input.focus();
  }

  byNumber(number: number): SchemaClass | null {
    return numberKeys(this.classes.all, this.recent)[number - 1] ?? null;
  }

  /** Shows which class the selection has, without choosing. */
  show(active: SchemaClass | null): void {
    if (active) this.active = active;
    this.draw();
  }

  pick(chosen: SchemaClass): void {
    this.active = chosen;
    this.recent = [chosen.id, ...this.recent.filter((id) => id !== chosen.id)].slice(0, 9);
    this.draw();
    this.choose(chosen);
  }

  private key(event: KeyboardEvent): void {
    const found = filterClasses(this.classes.all, this.input.value);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.at = Math.max(0, Math.min(found.length - 1, this.at + (event.key === "ArrowDown" ? 1 : -1)));
      this.draw();
    } else if (event.key === "Enter" && found[this.at]) {
      this.pick(found[this.at]!);
      this.input.blur();
    } else if (event.key === "Escape") this.input.blur();
    else return;
    event.preventDefault();
  }

  private draw(): void {
    const typed = this.input.value;
    const keys = numberKeys(this.classes.all, this.recent);
    const rows = filterClasses(this.classes.all, typed)
      .slice(0, 200)
      .map((each, index) => {
        const selected = typed ? index === this.at : each === this.active;
        const number = keys.indexOf(each) + 1;
        const row = h("button", { type: "button", class: "ed-class", "aria-pressed": String(selected), title: each.description || null }, h("span", { class: "dot", style: `--c:${this.classes.colourOf(each)}` }), h("span", { class: "cut" }, each.name), number ? h("kbd", {}, String(number)) : null);
        row.addEventListener("click", () => this.pick(each));
        return row;
      });
    this.list.replaceChildren(...(rows.length ? rows : [h("p", { class: "m sm ed-note" }, "No class matches.")]));
  }
}
