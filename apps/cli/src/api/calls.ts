import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { wasCutOff } from "./http.ts";
import { AnswerRecord } from "./record.ts";

/** A page of a list as the server tells it. */
export interface Page<T> {
  json: Record<string, unknown>;
  items: T[];
  nextCursor: string | null;
}

const sendTries = 4;

/** An id from the command line as one path segment, whatever it holds. */
export function segment(id: string): string {
  // "." and ".." survive encodeURIComponent and would change the path.
  return /^\.+$/.test(id) ? id.replaceAll(".", "%252E") : encodeURIComponent(id.toWellFormed());
}

export function readPage<T>(json: unknown, read: (item: unknown) => T): Page<T> {
  const record = new AnswerRecord(json);
  return { json: record.json, items: record.list("items").map(read), nextCursor: record.optionalText("nextCursor") };
}

/** Throws a CliFailure where the answer isn't a list. */
export function readList<T>(json: unknown, read: (item: unknown) => T): T[] {
  return new AnswerRecord({ answer: json }).list("answer").map(read);
}

/** An idempotency key of our own: what is sent again under it happens once. */
export function newKey(): string {
  return `cli-${randomUUID()}`;
}

/** For what may be sent again without harm: a cut connection is tried again. */
export async function repeatIfCut<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries >= sendTries || !wasCutOff(error)) throw error;
      await pause(Math.random() * 200 * 2 ** tries);
    }
  }
}
