import { setTimeout as pause } from "node:timers/promises";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { errorCode } from "../fields.ts";
import { readEvents } from "./event-stream.ts";
import type { Http, Query } from "./http.ts";
import { problemFailure } from "./problem.ts";
import { AnswerRecord } from "./record.ts";

export interface ResumeOptions {
  /** Ends the following; it then throws the signal's reason. */
  signal?: AbortSignal;
  /** Told once for each time that the connection is lost. */
  onLost?: (why: string) => void;
}

interface StreamMessage {
  event: string;
  data: string;
}

/** Full jitter; after this long without an event it is given up. */
const backoff = { firstMs: 200, longestMs: 5_000, giveUpMs: 5 * 60_000 };

/**
 * The messages of an event stream, without end: who reads them leaves at the last. A lost connection, a restarted
 * server or one that is busy is tried again from the last id seen, so that nothing with an id comes twice.
 * Throws a CliFailure for anything else.
 */
export async function* resumeEvents(
  http: Http,
  path: string,
  query: Query,
  { signal, onLost = () => undefined }: ResumeOptions,
): AsyncGenerator<StreamMessage, never> {
  let lastEventId: string | null = null;
  let lostAt: number | null = null;
  let tries = 0;
  while (true) {
    signal?.throwIfAborted();
    try {
      const body = await http.open(path, {
        query,
        headers: { accept: "text/event-stream", ...(lastEventId === null ? {} : { "last-event-id": lastEventId }) },
        ...(signal ? { signal } : {}),
      });
      for await (const { event = "message", data, id } of readEvents(body)) {
        if (event === "problem") throw failureOf(data);
        lostAt = null;
        tries = 0;
        if (id) lastEventId = id;
        yield { event, data };
      }
      throw new CliFailure(exitCodes.unreachable, "the server ended the stream");
    } catch (error) {
      signal?.throwIfAborted();
      if (isFinal(error)) throw error;
      const now = performance.now();
      if (lostAt === null) onLost(whyLost(error));
      lostAt ??= now;
      if (now - lostAt > backoff.giveUpMs) throw error;
      tries += 1;
      const ceiling = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(tries, 10));
      // Cut short by the signal, whose reason is thrown above.
      await pause(Math.random() * ceiling, undefined, signal ? { signal } : {}).catch(() => undefined);
    }
  }
}

/** The data of a message. Throws a CliFailure where it isn't an object. */
export function readData(data: string): AnswerRecord {
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch (cause) {
    throw new CliFailure(exitCodes.unreachable, "the server sent an event that isn't JSON", { cause });
  }
  return new AnswerRecord(json);
}

/** Whether trying again can't help: everything but a lost connection and "try again later". */
function isFinal(error: unknown): boolean {
  if (error instanceof CliFailure)
    return ![exitCodes.unreachable, exitCodes.tryAgain].some((code) => code === error.exitCode);
  // Anything that a socket throws has a code.
  return errorCode(error) === null;
}

function whyLost(error: unknown): string {
  if (error instanceof CliFailure) return error.message;
  return `the connection to the server was lost (${error instanceof Error ? error.message : String(error)})`;
}

function failureOf(data: string): CliFailure {
  const json = readData(data);
  const failure = problemFailure(json.optionalNumber("status") ?? 500, json.json, null);
  return failure ?? new CliFailure(exitCodes.unreachable, "the server broke off");
}
