// The wire shapes of docs/design/JSON.md, as the elements read them.

export type Frame = "pixel" | "relative";
export type Kind =
  | "classification" | "box" | "polygon" | "mask" | "keypoints" | "span" | "relation" | "segment" | "text" | "value" | "track";

export type Point = readonly [number, number];
export type Box = { x: number; y: number; w: number; h: number; rotation?: number; frame?: Frame };
export type Polygon = { parts: Point[][][]; frame?: Frame };
export type Mask = { size: readonly [number, number]; counts: number[] };
export type Keypoints = { points: (readonly [number, number, number])[]; frame?: Frame };
export type Interval = { start: number; end: number };
export type Track = { frames: (readonly [number, number, number, number, number])[]; frame?: Frame };

export interface Geometry {
  box?: Box;
  polygon?: Polygon;
  mask?: Mask;
  keypoints?: Keypoints;
  span?: Interval;
  segment?: Interval;
  relation?: { source: string; target: string };
  text?: { text: string };
  value?: { value: number };
  track?: Track;
}

export type Scalar = string | number | boolean | null;

export interface Annotation {
  id: string;
  kind: Kind;
  class?: string | null;
  class_id?: string | null;
  geometry?: Geometry;
  attributes?: Record<string, Scalar>;
  annotator?: string | null;
  origin?: "human" | "model" | "import" | "refactoring";
  confidence?: number | null;
  aliases?: string[];
}

export interface SchemaClass {
  id: string;
  name: string;
  color?: string | null;
  parent?: string | null;
  description?: string;
  deprecated?: boolean;
  keypoints?: string[];
}

export interface SchemaAttribute {
  id: string;
  name: string;
  type: "boolean" | "string" | "number" | "integer" | "enum";
  values?: Scalar[];
  description?: string;
}

export interface SchemaGroup {
  id: string;
  name: string;
  cardinality: "one" | "many";
  classes: string[];
}

export interface Change {
  key?: string;
  layer?: string;
  facets: string[];
  before?: Annotation | null;
  after?: Annotation | null;
  overlap?: number | null;
  shift?: readonly [number, number] | null;
  class_before?: string | null;
  class_after?: string | null;
  attributes?: (readonly [string, Scalar, Scalar])[];
  description?: string;
}

export interface Media {
  type: "image" | "text" | "audio" | "none";
  src?: string | null;
  width?: number | null;
  height?: number | null;
  text?: string | null;
  duration?: number | null;
}

export interface Layer {
  name: string;
  annotations: Annotation[];
  hidden?: boolean;
}

/** The island of lh-viewer. `people` gives names to annotator ids. */
export interface ViewerData {
  media: Media;
  classes: SchemaClass[];
  layers: Layer[];
  people?: Record<string, string>;
}

/** The island of lh-diff-viewer. */
export interface DiffData {
  media: Media;
  classes: SchemaClass[];
  changes: Change[];
  before?: Annotation[];
  after?: Annotation[];
  unchanged: Annotation[];
  suggestions?: { number?: number; annotation: Annotation }[];
  names?: { before: string; after: string };
  text_before?: string | null;
  people?: Record<string, string>;
}

/** The island of lh-editor. */
export interface EditorData {
  key: string;
  layer: string;
  media: Media;
  classes: SchemaClass[];
  attributes?: SchemaAttribute[];
  groups?: SchemaGroup[];
  kinds?: Kind[];
  annotations: Annotation[];
  staged?: number;
  undo?: boolean;
  redo?: boolean;
  people?: Record<string, string>;
}

export type Operation =
  | { op: "put_annotation"; key: string; layer: string; annotation: Annotation }
  | { op: "delete_annotation"; key: string; layer: string; id: string };

export interface StagingAnswer {
  staged: number;
  undo: boolean;
  redo: boolean;
  annotations: Annotation[];
}
