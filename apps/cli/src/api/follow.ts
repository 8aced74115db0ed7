import { segment } from "./calls.ts";
import type { Client } from "./client.ts";
import { readCommand, type CommandView } from "./command.ts";
import type { AnswerRecord } from "./record.ts";
import { readData, resumeEvents, type ResumeOptions } from "./resume-events.ts";

export type OutputStream = "stdout" | "stderr";

export type FollowedEvent =
  | { kind: "state"; command: CommandView }
  | { kind: "output"; stream: OutputStream; offset: number; data: Buffer }
  /** Output that isn't kept. */
  | { kind: "gap"; offset: number; bytes: number }
  | { kind: "end"; command: CommandView };

export interface FollowOptions extends ResumeOptions {
  /** False: states only. */
  output?: boolean;
}

/** Whoever wants states alone asks for output from here on, and is spared it. */
const pastAllOutput = 2 ** 50;

/**
 * A command's states and output from its begin to its end. A lost connection, a restarted server or one that is busy
 * is tried again from the last event seen, so that nothing comes twice. Throws a CliFailure for anything else.
 */
export async function* followCommand(
  client: Client,
  commandId: string,
  { output = true, ...options }: FollowOptions = {},
): AsyncGenerator<FollowedEvent> {
  const path = `/commands/${segment(commandId)}/output`;
  const query = { follow: "true", ...(output ? {} : { from: pastAllOutput }) };
  for await (const { event, data } of resumeEvents(client.http, path, query, options)) {
    // A newer server may tell more.
    if (!isKnown(event)) continue;
    const read = readEvent(event, readData(data));
    yield read;
    if (read.kind === "end") return;
  }
}

function isKnown(event: string): event is FollowedEvent["kind"] {
  return ["state", "output", "gap", "end"].includes(event);
}

function readEvent(event: FollowedEvent["kind"], json: AnswerRecord): FollowedEvent {
  switch (event) {
    case "state":
    case "end":
      return { kind: event, command: readCommand(json.json) };
    case "gap":
      return { kind: "gap", offset: json.number("offset"), bytes: json.number("bytes") };
    case "output":
      return {
        kind: "output",
        stream: json.text("stream") === "stderr" ? "stderr" : "stdout",
        offset: json.number("offset"),
        data: Buffer.from(json.text("data"), json.optionalText("encoding") === "base64" ? "base64" : "utf8"),
      };
  }
}
