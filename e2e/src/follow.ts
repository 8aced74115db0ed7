/** What following a command came to. */
export interface Followed {
  status: string;
  output: string;
  /** How often it was asked for: once more for each time that a stopping server ended the stream. */
  requests: number;
}

/**
 * Follows a command over HTTP until it has ended, as a client does: a stream that ends early is asked for again from the last event.
 *
 * @throws Error for an answer that isn't 200, or a stream that breaks instead of ending.
 */
export async function follow(url: string, token: string, commandId: string): Promise<Followed> {
  let lastEventId: string | undefined;
  let output = "";
  for (let requests = 1; ; requests += 1) {
    const response = await fetch(`${url}/commands/${commandId}/output?follow=true`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      },
    });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`following ${commandId}: ${response.status} ${await response.text()}`);
    }
    for await (const { event, id, data } of eventsOf(response.body)) {
      lastEventId = id ?? lastEventId;
      if (event === "problem") throw new Error(`following ${commandId}: ${JSON.stringify(data)}`);
      if (event === "output") output += String(data["data"]);
      if (event === "end") return { status: String(data["status"]), output, requests };
    }
  }
}

interface ServerEvent {
  event: string;
  id: string | undefined;
  data: Record<string, unknown>;
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line): [string, string] => [line.split(":", 1)[0] ?? "", line.replace(/^\w*: ?/, "")]),
      );
      const [event, data] = [fields.get("event"), fields.get("data")];
      if (event === undefined || data === undefined) continue;
      yield { event, id: fields.get("id"), data: JSON.parse(data) as Record<string, unknown> };
    }
  }
}
