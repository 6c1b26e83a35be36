// Spans on the wire are half-open ranges of code points; the DOM and JavaScript strings count UTF-16 units.
// CodePoints maps between the two in O(log n) through the positions of the astral characters, of which most texts have none.

export class CodePoints {
  readonly length: number;
  /** UTF-16 index of each astral character, ascending. */
  private readonly astral: number[] = [];

  constructor(readonly text: string) {
    for (let i = 0; i < text.length; i++) {
      if (text.codePointAt(i)! > 0xffff) {
        this.astral.push(i);
        i++;
      }
    }
    this.length = text.length - this.astral.length;
  }

  /** The UTF-16 index at which code point `point` begins; clamped to the text. */
  toUnit(point: number): number {
    const wanted = Math.max(0, Math.min(point, this.length));
    let low = 0;
    let high = this.astral.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.astral[middle]! - middle < wanted) low = middle + 1;
      else high = middle;
    }
    return wanted + low;
  }

  /** The code point that UTF-16 index `unit` lies in; the second half of a pair counts as its first. */
  toPoint(unit: number): number {
    const wanted = Math.max(0, Math.min(unit, this.text.length));
    let low = 0;
    let high = this.astral.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.astral[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return wanted - low;
  }

  slice(start: number, end: number): string {
    return this.text.slice(this.toUnit(start), this.toUnit(end));
  }
}

/** Shrinks a range until it neither begins nor ends in white space. Null when nothing is left. */
export function trimRange(points: CodePoints, start: number, end: number): { start: number; end: number } | null {
  let from = Math.min(start, end);
  let to = Math.max(start, end);
  while (from < to && /\s/u.test(points.slice(from, from + 1))) from++;
  while (to > from && /\s/u.test(points.slice(to - 1, to))) to--;
  return from < to ? { start: from, end: to } : null;
}
