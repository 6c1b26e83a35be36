// The staging area of a branch, as the editor speaks to it: one POST per message, the new state as the answer.

import type { StagingAnswer } from "../types/annotations";
import { csrfToken } from "./dom";
import { type Message, Refused } from "./outbox";

export async function sendTo(url: string, message: Message): Promise<StagingAnswer> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
    body: JSON.stringify(message),
  });
  if (answer.ok) return (await answer.json()) as StagingAnswer;
  const problem = (await answer.json().catch(() => null)) as { detail?: string; title?: string } | null;
  const why = problem?.detail ?? problem?.title ?? `the server answered ${answer.status}`;
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429) throw new Refused(why);
  throw new Error(why);
}
