import { isUtf8 } from "node:buffer";
import type { CommandStore, OutputPiece, OutputStream } from "../store/command-store.ts";
import type { StreamEvent } from "../event-stream.ts";
import { viewCommand } from "./command-view.ts";
import { followCommand, type FollowEvent, type FollowOptions } from "./follow.ts";

/** The events of a followed command as they go over HTTP. `stream`: only the output of this one. */
export async function* followEvents(
  store: CommandStore,
  options: FollowOptions,
  stream: OutputStream | null,
): AsyncGenerator<StreamEvent, void> {
  for await (const event of followCommand(store, options)) {
    if (event.kind === "output" && stream !== null && event.piece.stream !== stream) continue;
    yield toStreamEvent(event);
  }
}

function toStreamEvent(event: FollowEvent): StreamEvent {
  switch (event.kind) {
    case "state":
    case "end":
      return { event: event.kind, data: viewCommand(event.command, null) };
    case "output": {
      const { offset, data, stream } = event.piece;
      const shown = { offset, bytes: data.length, stream, ...encode(event.piece) };
      return { event: "output", id: eventId(event.attempt, offset + data.length), data: shown };
    }
    case "gap": {
      const { attempt, offset, bytes } = event;
      return { event: "gap", id: eventId(attempt, offset + bytes), data: { offset, bytes } };
    }
  }
}

/** Text where the bytes are UTF-8; a piece may begin or end within a character, and is base64 then. */
function encode({ data }: OutputPiece): { encoding: "utf8" | "base64"; data: string } {
  const encoding = isUtf8(data) ? "utf8" : "base64";
  return { encoding, data: data.toString(encoding) };
}

function eventId(attempt: number, offset: number): string {
  return `${attempt}-${offset}`;
}

/** The place after an event, of which run; null for what isn't an id of ours. */
export function parseEventId(id: string | undefined): { attempt: number; from: number } | null {
  const match = /^(\d{1,6})-(\d{1,15})$/.exec(id ?? "");
  return match === null ? null : { attempt: Number(match[1]), from: Number(match[2]) };
}
