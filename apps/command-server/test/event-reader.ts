export interface ReadEvent {
  event: string;
  id: string | null;
  data: Record<string, unknown>;
}

/** Reads server-sent events one at a time, no faster than it is asked to. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #buffer = "";
  /** Comments seen so far: the heartbeats. */
  comments = 0;

  constructor(response: Response) {
    if (response.body === null) throw new Error("a response without a body");
    this.#reader = response.body.getReader();
  }

  /** The next event; null at the end of the stream. Rejects after 10 s. */
  async next(): Promise<ReadEvent | null> {
    for (;;) {
      const block = this.#takeBlock();
      if (block !== null) {
        const event = this.#parse(block);
        if (event !== null) return event;
        continue;
      }
      const { done, value } = await withDeadline(this.#reader.read());
      if (done) return null;
      this.#buffer += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Events up to and including the first of this name. */
  async until(name: string): Promise<ReadEvent[]> {
    const events: ReadEvent[] = [];
    for (;;) {
      const event = await this.next();
      if (event === null)
        throw new Error(`the stream ended before "${name}": ${events.map((each) => each.event).join()}`);
      events.push(event);
      if (event.event === name) return events;
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  #takeBlock(): string | null {
    const end = this.#buffer.indexOf("\n\n");
    if (end === -1) return null;
    const block = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 2);
    return block;
  }

  #parse(block: string): ReadEvent | null {
    const fields = new Map<string, string>();
    for (const line of block.split("\n")) {
      const at = line.indexOf(": ");
      if (at <= 0) this.comments += 1;
      else fields.set(line.slice(0, at), line.slice(at + 2));
    }
    const event = fields.get("event");
    if (event === undefined) return null;
    return {
      event,
      id: fields.get("id") ?? null,
      data: JSON.parse(fields.get("data") ?? "{}") as Record<string, unknown>,
    };
  }
}

/** The bytes that an `output` event carries. */
export function bytesOf({ data }: ReadEvent): Buffer {
  return Buffer.from(String(data["data"]), data["encoding"] === "base64" ? "base64" : "utf8");
}

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no event within 10 s")), 10_000);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
