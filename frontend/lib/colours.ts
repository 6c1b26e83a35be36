// Class colours: the schema's, else a default spread for deutan, protan and tritan sight, by position in the schema.

import type { Annotation, SchemaClass } from "../types/annotations";

export const DEFAULT_COLOURS = [
  "#0969da", "#e36209", "#0e9c8f", "#8250df", "#bf8700", "#bf3989", "#1a7f37", "#cf222e", "#4f6bed", "#a0522d", "#0891b2", "#6e7781",
] as const;

const HEX = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i;

export class Classes {
  private readonly byName = new Map<string, SchemaClass>();
  private readonly byId = new Map<string, SchemaClass>();
  private readonly colours = new Map<string, string>();

  constructor(readonly all: readonly SchemaClass[]) {
    all.forEach((each, index) => {
      this.byId.set(each.id, each);
      this.byName.set(this.path(each), each);
      if (!this.byName.has(each.name)) this.byName.set(each.name, each);
      const own = each.color && HEX.test(each.color) ? each.color : null;
      this.colours.set(each.id, own ?? DEFAULT_COLOURS[index % DEFAULT_COLOURS.length]!);
    });
  }

  path(each: SchemaClass): string {
    return each.parent && each.parent !== each.name ? `${this.byId.get(each.parent)?.name ?? each.parent}/${each.name}` : each.name;
  }

  of(annotation: Pick<Annotation, "class" | "class_id">): SchemaClass | null {
    return (annotation.class_id && this.byId.get(annotation.class_id)) || (annotation.class && this.byName.get(annotation.class)) || null;
  }

  name(annotation: Pick<Annotation, "class" | "class_id" | "kind">): string {
    return this.of(annotation)?.name ?? annotation.class ?? annotation.kind;
  }

  colour(annotation: Pick<Annotation, "class" | "class_id">): string {
    const found = this.of(annotation);
    return found ? this.colours.get(found.id)! : hashed(annotation.class ?? "");
  }

  colourOf(each: SchemaClass): string {
    return this.colours.get(each.id) ?? DEFAULT_COLOURS[0];
  }
}

function hashed(name: string): string {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) >>> 0;
  return name ? DEFAULT_COLOURS[sum % DEFAULT_COLOURS.length]! : "#6e7781";
}

/** Type-to-filter: names that begin with the words come first, then names that contain them, in schema order. */
export function filterClasses(classes: readonly SchemaClass[], typed: string): SchemaClass[] {
  const wanted = typed.trim().toLocaleLowerCase();
  const live = classes.filter((each) => !each.deprecated);
  if (!wanted) return live;
  const starts = live.filter((each) => each.name.toLocaleLowerCase().startsWith(wanted));
  const rest = live.filter((each) => !starts.includes(each) && each.name.toLocaleLowerCase().includes(wanted));
  return [...starts, ...rest];
}

/** The classes behind the number keys: recently used first, then schema order, nine at most. */
export function numberKeys(classes: readonly SchemaClass[], recent: readonly string[]): SchemaClass[] {
  const live = classes.filter((each) => !each.deprecated);
  const used = recent.map((id) => live.find((each) => each.id === id)).filter((each): each is SchemaClass => Boolean(each));
  return live.length <= 9 ? live : [...new Set([...used, ...live])].slice(0, 9);
}
