// Text spans cut a text into runs; each run knows the spans over it, each span its lane among overlapping ones.

export interface SpanLike {
  id: string;
  start: number;
  end: number;
}

export interface Run {
  start: number;
  end: number;
  ids: string[];
  /** Spans whose first code point this run begins with: their label stands here. */
  opens: string[];
}

/** Cuts [0, length) at every span border. Spans outside the text are clamped; empty ones are left out. */
export function cut(spans: readonly SpanLike[], length: number): Run[] {
  const inside = spans
    .map((span) => ({ ...span, start: Math.max(0, span.start), end: Math.min(length, span.end) }))
    .filter((span) => span.start < span.end);
  const borders = [...new Set([0, length, ...inside.flatMap((span) => [span.start, span.end])])].sort((a, b) => a - b);
  const runs: Run[] = [];
  for (let i = 0; i + 1 < borders.length; i++) {
    const [start, end] = [borders[i]!, borders[i + 1]!];
    const over = inside.filter((span) => span.start <= start && span.end >= end);
    runs.push({
      start,
      end,
      ids: over.map((span) => span.id),
      opens: over.filter((span) => span.start === start).map((span) => span.id),
    });
  }
  return runs;
}

/** The lowest free lane for each interval, so that overlapping ones stack. Longer ones first at equal starts. */
export function lanes(spans: readonly SpanLike[]): Map<string, number> {
  const ordered = [...spans].sort((a, b) => a.start - b.start || b.end - a.end || (a.id < b.id ? -1 : 1));
  const ends: number[] = [];
  const out = new Map<string, number>();
  for (const span of ordered) {
    let lane = ends.findIndex((end) => end <= span.start);
    if (lane < 0) lane = ends.length;
    ends[lane] = span.end;
    out.set(span.id, lane);
  }
  return out;
}
