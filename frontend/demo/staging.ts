// A staging area in memory, so that the editor can be tried without a server: answers as the real one does.

import type { Annotation, Operation } from "../types/annotations";
import { Edits } from "../lib/edits";
import { editor, textEditor } from "./data";

export const editorChrome = { "staging-url": "/demo-staging", "review-url": "#review" };
export const textChrome = { "staging-url": "/demo-staging-text", "review-url": "#review" };

const areas: Record<string, Edits> = {
  [editorChrome["staging-url"]]: new Edits(editor("").annotations as Annotation[]),
  [textChrome["staging-url"]]: new Edits(textEditor.annotations),
};
let staged = 0;
const real = window.fetch;

window.fetch = async (input, init) => {
  const edits = areas[String(input)];
  if (!edits) return real(input, init);
  const body = JSON.parse(String(init?.body)) as { operations?: Operation[]; undo?: true; redo?: true };
  await new Promise((resolve) => setTimeout(resolve, 150));
  if (body.operations) {
    edits.do(body.operations);
    staged += body.operations.length;
  } else if (body.undo && edits.undo()) staged--;
  else if (body.redo && edits.redo()) staged++;
  return new Response(JSON.stringify({ staged, undo: edits.canUndo, redo: edits.canRedo, annotations: edits.annotations }), { headers: { "content-type": "application/json" } });
};
