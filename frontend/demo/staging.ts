// A staging area in memory, so that the editor can be tried without a server: answers as the real one does.

import type { Annotation, Operation } from "../types/annotations";
import { Edits } from "../lib/edits";
import { editor } from "./data";

export const editorChrome = { "staging-url": "/demo-staging", "review-url": "#review" };

const edits = new Edits(editor("").annotations as Annotation[]);
let staged = 0;
const real = window.fetch;

window.fetch = async (input, init) => {
  if (String(input) !== editorChrome["staging-url"]) return real(input, init);
  const body = JSON.parse(String(init?.body)) as { operations?: Operation[]; undo?: true; redo?: true };
  await new Promise((resolve) => setTimeout(resolve, 150));
  if (body.operations) {
    edits.do(body.operations);
    staged += body.operations.length;
  } else if (body.undo && edits.undo()) staged--;
  else if (body.redo && edits.redo()) staged++;
  return new Response(JSON.stringify({ staged, undo: edits.canUndo, redo: edits.canRedo, annotations: edits.annotations }), { headers: { "content-type": "application/json" } });
};
