import type { Readable } from "node:stream";
import { createParser, type EventSourceMessage } from "eventsource-parser";

/** No event of the server is larger; one without an end doesn't fill our memory. */
const largestEvent = 64 * 1024 * 1024;

/**
 * Server-sent events of a response body, one at a time: nothing is read ahead of the consumer but one chunk.
 * Ends with the body; throws what the body throws, and ParseError when an event is larger than 64 MiB.
 */
export async function* readEvents(body: Readable): AsyncGenerator<EventSourceMessage> {
  const decoder = new TextDecoder();
  let events: EventSourceMessage[] = [];
  let failure: Error | null = null;
  const parser = createParser({
    maxBufferSize: largestEvent,
    onEvent: (event) => events.push(event),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") failure = error;
    },
  });
  for await (const chunk of body as AsyncIterable<Buffer>) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    const ready = events;
    events = [];
    yield* ready;
    if (failure) throw failure as Error;
  }
}
