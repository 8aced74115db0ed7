import { setTimeout as pause } from "node:timers/promises";
import type { EventSourceMessage } from "eventsource-parser";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { errorCode } from "../fields.ts";
import type { Client } from "./client.ts";
import { readCommand, type CommandView } from "./command.ts";
import { readEvents } from "./event-stream.ts";
import { problemFailure } from "./problem.ts";
import { AnswerRecord } from "./record.ts";

export type OutputStream = "stdout" | "stderr";

export type FollowedEvent =
  | { kind: "state"; command: CommandView }
  | { kind: "output"; stream: OutputStream; offset: number; data: Buffer }
  /** Output that isn't kept. */
  | { kind: "gap"; offset: number; bytes: number }
  | { kind: "end"; command: CommandView };

export interface FollowOptions {
  /** Ends the following; it then throws the signal's reason. */
  signal?: AbortSignal;
  /** Told once for each time that the connection is lost. */
  onLost?: (why: string) => void;
  /** False: states only. */
  output?: boolean;
}

/** Whoever wants states alone asks for output from here on, and is spared it. */
const pastAllOutput = 2 ** 50;

/** Full jitter; after this long without an event it is given up. */
const backoff = { firstMs: 200, longestMs: 5_000, giveUpMs: 5 * 60_000 };

/**
 * A command's states and output from its begin to its end. A lost connection, a restarted server or one that is busy
 * is tried again from the last event seen, so that nothing comes twice. Throws a CliFailure for anything else.
 */
export async function* followCommand(
  client: Client,
  commandId: string,
  options: FollowOptions = {},
): AsyncGenerator<FollowedEvent> {
  const { signal, onLost = () => undefined, output = true } = options;
  let lastEventId: string | null = null;
  let lostAt: number | null = null;
  let tries = 0;
  while (true) {
    signal?.throwIfAborted();
    try {
      const body = await client.http.open(`/commands/${encodeURIComponent(commandId)}/output`, {
        query: { follow: "true", ...(output ? {} : { from: pastAllOutput }) },
        headers: { accept: "text/event-stream", ...(lastEventId === null ? {} : { "last-event-id": lastEventId }) },
        ...(signal ? { signal } : {}),
      });
      for await (const message of readEvents(body)) {
        lostAt = null;
        tries = 0;
        if (message.id) lastEventId = message.id;
        const event = readEvent(message);
        if (event) yield event;
        if (event?.kind === "end") return;
      }
      throw new CliFailure(exitCodes.unreachable, "the server ended the stream");
    } catch (error) {
      signal?.throwIfAborted();
      if (isFinal(error)) throw error;
      const now = performance.now();
      if (lostAt === null) onLost(error instanceof Error ? error.message : String(error));
      lostAt ??= now;
      if (now - lostAt > backoff.giveUpMs) throw error;
      tries += 1;
      const ceiling = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(tries, 10));
      await pause(Math.random() * ceiling, undefined, signal ? { signal } : {});
    }
  }
}

/** Whether trying again can't help: everything but a lost connection and "try again later". */
function isFinal(error: unknown): boolean {
  if (error instanceof CliFailure)
    return ![exitCodes.unreachable, exitCodes.tryAgain].some((code) => code === error.exitCode);
  // Anything that a socket throws has a code.
  return errorCode(error) === null;
}

function readEvent(message: EventSourceMessage): FollowedEvent | null {
  const json = parse(message.data);
  switch (message.event) {
    case "state":
    case "end":
      return { kind: message.event, command: readCommand(json.json) };
    case "gap":
      return { kind: "gap", offset: json.number("offset"), bytes: json.number("bytes") };
    case "output":
      return {
        kind: "output",
        stream: json.text("stream") === "stderr" ? "stderr" : "stdout",
        offset: json.number("offset"),
        data: Buffer.from(json.text("data"), json.optionalText("encoding") === "base64" ? "base64" : "utf8"),
      };
    case "problem":
      throw (
        problemFailure(json.optionalNumber("status") ?? 500, json.json, null) ??
        new CliFailure(exitCodes.unreachable, "the server broke off")
      );
    default:
      // A newer server may tell more.
      return null;
  }
}

function parse(data: string): AnswerRecord {
  try {
    return new AnswerRecord(JSON.parse(data));
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(exitCodes.unreachable, "the server sent an event that isn't JSON", { cause: error });
  }
}
