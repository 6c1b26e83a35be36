// Edits on their way to the server: kept in storage until the server has answered, sent one after the other, tried again
// after a failure. Nothing here touches the DOM: storage, transport and clock are handed in.

import type { Operation, StagingAnswer } from "../types/annotations";

export type Message = { operations: Operation[] } | { undo: true } | { redo: true };
export type SaveState = "saved" | "saving" | "failed";

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface OutboxPorts {
  store: Store;
  send: (message: Message) => Promise<StagingAnswer>;
  later: (task: () => void, milliseconds: number) => void;
  changed: (state: SaveState, waiting: number, reason: string | null) => void;
  answered: (answer: StagingAnswer, idle: boolean) => void;
}

/** A refusal by the server (4xx): trying again cannot help until something changes. */
export class Refused extends Error {}

const LONGEST_WAIT = 30_000;

export class Outbox {
  private queue: Message[];
  private sending = false;
  private failures = 0;
  state: SaveState = "saved";

  constructor(private readonly name: string, private readonly ports: OutboxPorts) {
    this.queue = readQueue(ports.store, name);
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** The operations not yet answered for: what a reload has to show again. */
  get unsent(): Operation[] {
    return this.queue.flatMap((message) => ("operations" in message ? message.operations : []));
  }

  push(message: Message): void {
    this.queue.push(message);
    this.persist();
    void this.flush();
  }

  /** Drops what the server refused; the next answer brings its own state. */
  discard(): void {
    this.queue = [];
    this.persist();
    this.failures = 0;
    this.report("saved", null);
  }

  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.queue.length) {
        this.report("saving", null);
        const answer = await this.ports.send(this.queue[0]!);
        this.queue.shift();
        this.persist();
        this.failures = 0;
        this.ports.answered(answer, this.queue.length === 0);
      }
      this.report("saved", null);
    } catch (error) {
      this.failures++;
      this.report("failed", error instanceof Error ? error.message : String(error));
      if (!(error instanceof Refused)) this.ports.later(() => void this.flush(), Math.min(LONGEST_WAIT, 1000 * 2 ** (this.failures - 1)));
    } finally {
      this.sending = false;
    }
  }

  private report(state: SaveState, reason: string | null): void {
    this.state = state;
    this.ports.changed(state, this.queue.length, reason);
  }

  private persist(): void {
    try {
      if (this.queue.length) this.ports.store.setItem(this.name, JSON.stringify(this.queue));
      else this.ports.store.removeItem(this.name);
    } catch {
      // Storage is full or off: the queue still lives in memory and is still sent.
    }
  }
}

function readQueue(store: Store, name: string): Message[] {
  try {
    const read: unknown = JSON.parse(store.getItem(name) ?? "[]");
    return Array.isArray(read) ? (read as Message[]) : [];
  } catch {
    return [];
  }
}
