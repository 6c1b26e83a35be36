// The attributes of the selected annotation, one control per attribute of the schema.

import type { Annotation, Scalar, SchemaAttribute } from "../types/annotations";
import { h } from "../lib/dom";

export function attributeForm(annotation: Annotation, attributes: readonly SchemaAttribute[], change: (name: string, value: Scalar) => void): HTMLElement {
  const rows = attributes.map((attribute) => {
    const value = annotation.attributes?.[attribute.name] ?? null;
    return h("label", { title: attribute.description || null }, h("span", { class: "cut" }, attribute.name), control(attribute, value, (next) => change(attribute.name, next)));
  });
  return h("div", { class: "ed-attrs" }, ...rows);
}

function control(attribute: SchemaAttribute, value: Scalar, change: (value: Scalar) => void): HTMLElement {
  if (attribute.type === "boolean") {
    const box = h("input", { type: "checkbox", checked: value === true });
    box.addEventListener("change", () => change(box.checked));
    return h("span", {}, box);
  }
  if (attribute.values?.length) {
    const select = h("select", { class: "select sm" }, h("option", { value: "" }, "not set"), ...attribute.values.map((each) => h("option", { value: String(each), selected: each === value }, String(each))));
    select.addEventListener("change", () => change(attribute.values!.find((each) => String(each) === select.value) ?? null));
    return select;
  }
  const numeric = attribute.type === "number" || attribute.type === "integer";
  const input = h("input", { class: "input sm", type: numeric ? "number" : "text", step: numeric ? (attribute.type === "integer" ? 1 : "any") : null, value: value === null ? "" : String(value) });
  input.addEventListener("change", () => change(input.value === "" ? null : numeric ? Number(input.value) : input.value));
  return input;
}
