import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void;

/** A server that answers as a real one never does on demand: hostile, broken off, busy. */
export interface ScriptedServer {
  readonly url: string;
  readonly token: string;
  /** In the order in which they came. */
  readonly requests: SeenRequest[];
  close(): Promise<void>;
}

/** `scripts`: by "METHOD /path" without the query. */
export async function startScriptedServer(scripts: Record<string, Script>): Promise<ScriptedServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((message, response) => {
    void answer(message, response);
  });
  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ""] = (message.url ?? "").split("?");
    const { method = "", headers } = message;
    const seen = { method, path: message.url ?? "", headers, body: await text(message) };
    requests.push(seen);
    const script = scripts[`${method} ${path}`];
    if (script) script(seen, response);
    else problem(response, 404, "not_found", "There is no such thing.");
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the scripted server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    token: "fw_test",
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function json(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(content));
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  more: object = {},
): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title: "Problem", status, detail, code, ...more }));
}

/** Opens an event stream; write events with `event`. */
export function eventStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
}

export function event(name: string, data: unknown, id?: string): string {
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

export function command(status: string, more: object = {}): Record<string, unknown> {
  return {
    commandId: "01990b5e-0000-7000-8000-000000000001",
    agentId: "a1",
    type: "SHELL",
    command: "uptime",
    parameters: {},
    status,
    attempt: 1,
    queuedAt: "2026-11-22T10:00:00.000Z",
    ...more,
  };
}

export const rolloutId = "01990b5e-0000-7000-8000-0000000000aa";

/** Counts of a rollout for 4 agents, all zero but for what is said. */
export function counts(change: object = {}): Record<string, number> {
  const none = { pending: 0, queued: 0, assigned: 0, completed: 0, failed: 0, timeout: 0, cancelled: 0, expired: 0 };
  return { targets: 4, ...none, errors: 0, ...change };
}

export function rollout(status: string, change: object = {}, more: object = {}): Record<string, unknown> {
  return {
    rolloutId,
    status,
    type: "SHELL",
    command: "uptime",
    parameters: {},
    timeoutSeconds: 300,
    priority: 6,
    idempotent: false,
    selection: { fleetId: "edge" },
    unable: 0,
    createdBy: "operator:ann",
    createdAt: "2026-11-22T10:00:00.000Z",
    ...(status === "running" ? {} : { finishedAt: "2026-11-22T10:00:12.300Z" }),
    counts: counts(change),
    ...more,
  };
}
