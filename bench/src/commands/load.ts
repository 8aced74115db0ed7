// The operators' side of the benchmark, in a process of its own: queues commands over HTTP, watches their results.
import { credentials, Metadata } from "@grpc/grpc-js";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { CommandService, type CommandServiceClient, type WatchCommandResponse } from "@fleetwire/proto";
import { serveParent } from "../children.ts";
import { quantile } from "../report.ts";

interface Target {
  url: string;
  /** More servers, which take their turn with requests. */
  moreUrls?: string[];
  grpc: string;
  token: string;
  agentIds: string[];
  body: Record<string, unknown>;
}

/** One command at a time, with a pause between: what an operator feels. */
export interface IdleRequest extends Target {
  kind: "idle";
  count: number;
  pauseMs: number;
  /** How the result is waited for: WatchCommand, or the command's event stream over HTTP, as `fleetwire` does. Default grpc. */
  over?: "grpc" | "http";
}

/** Commands arrive singly over `connections` HTTP connections, as fast as they are accepted. */
export interface FloodRequest extends Target {
  kind: "flood";
  count: number;
  connections: number;
}

export interface IdleAnswer {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export interface FloodAnswer {
  perSecond: number;
  acceptedPerSecond: number;
  failed: number;
}

async function idle(request: IdleRequest): Promise<IdleAnswer> {
  const pool = new Pool(request.url, { connections: 1 });
  const followers = new Pool(request.url, { connections: 1 });
  const watcher = new CommandService(request.grpc, credentials.createInsecure());
  const result = (commandId: string): Promise<string | undefined> =>
    request.over === "http"
      ? followedStatus(followers, request.token, commandId)
      : watchedStatus(watcher, request.token, commandId);
  const times: number[] = [];
  for (let i = 0; i < request.count; i++) {
    const began = performance.now();
    const commandId = await queue(pool, request, i);
    const status = await result(commandId);
    times.push(performance.now() - began);
    if (!/^(COMMAND_STATUS_)?completed$/i.test(status ?? "")) throw new Error(`${commandId} ended ${status}`);
    await sleep(request.pauseMs);
  }
  watcher.close();
  await Promise.all([pool.close(), followers.close()]);
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), maxMs: quantile(times, 1) };
}

/** The status in the last event of a command's stream. */
async function followedStatus(pool: Pool, token: string, commandId: string): Promise<string | undefined> {
  const path = `/commands/${commandId}/output?follow=true`;
  const { statusCode, body } = await pool.request({
    method: "GET",
    path,
    headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`GET ${path}: ${statusCode} ${text}`);
  return [...text.matchAll(/"status":"(\w+)"/g)].at(-1)?.[1];
}

function watchedStatus(watcher: CommandServiceClient, token: string, commandId: string): Promise<string | undefined> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const call = watcher.watchCommand({ commandId, output: false }, metadata);
  let status: string | undefined;
  return new Promise((resolve, reject) => {
    call.on("data", (event: WatchCommandResponse) => (status = event.command?.status ?? status));
    call.on("error", reject);
    call.on("end", () => resolve(status));
  });
}

async function flood(request: FloodRequest): Promise<FloodAnswer> {
  const urls = [request.url, ...(request.moreUrls ?? [])];
  const pools = urls.map((url) => new Pool(url, { connections: Math.ceil(request.connections / urls.length) }));
  const results = await followResults(request, request.count);
  const began = performance.now();
  let next = 0;
  const feeders = Array.from({ length: request.connections }, async () => {
    while (next < request.count) {
      const i = next++;
      const pool = pools[i % pools.length];
      if (pool !== undefined) await queue(pool, request, i);
    }
  });
  await Promise.all(feeders);
  const accepted = performance.now();
  const { failed } = await results.all;
  const ended = performance.now();
  for (const pool of pools) await pool.close();
  return {
    perSecond: request.count / ((ended - began) / 1000),
    acceptedPerSecond: request.count / ((accepted - began) / 1000),
    failed,
  };
}

async function queue(pool: Pool, { token, agentIds, body }: Target, i: number): Promise<string> {
  const { status, text } = await post(pool, token, JSON.stringify({ ...body, agentId: agentIds[i % agentIds.length] }));
  if (status !== 202) throw new Error(`POST /commands: ${status} ${text}`);
  return (JSON.parse(text) as { commandId: string }).commandId;
}

/** Without a stream for each answer: the load's own cost is part of what two cores can do. */
function post(pool: Pool, token: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let text = "";
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    pool.dispatch(
      { method: "POST", path: "/commands", headers, body },
      {
        onRequestStart: () => {},
        onResponseStart: (_controller, code) => void (status = code),
        onResponseData: (_controller, chunk) => void (text += chunk.toString()),
        onResponseEnd: () => resolve({ status, text }),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

/** Follows the feed from now on, and counts commands that ended until there are `count`. */
async function followResults({ url, token }: Target, count: number): Promise<{ all: Promise<{ failed: number }> }> {
  const stop = new AbortController();
  const response = await fetch(`${url}/events?follow=true`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stop.signal,
  });
  if (response.status !== 200 || response.body === null)
    throw new Error(`GET /events: ${response.status} ${await response.text()}`);
  const all = countEnded(response.body, count).finally(() => stop.abort());
  return { all };
}

async function countEnded(body: ReadableStream<Uint8Array>, count: number): Promise<{ failed: number }> {
  const endings = /"kind":"command\.(completed|failed|timeout|cancelled|expired)"/g;
  const decoder = new TextDecoder();
  let rest = "";
  let ended = 0;
  let failed = 0;
  for await (const bytes of body) {
    const text = rest + decoder.decode(bytes, { stream: true });
    const cut = text.lastIndexOf("\n\n");
    rest = cut < 0 ? text : text.slice(cut);
    for (const [, kind] of text.slice(0, Math.max(cut, 0)).matchAll(endings)) {
      ended += 1;
      if (kind !== "completed") failed += 1;
    }
    if (ended >= count) return { failed };
  }
  throw new Error(`the feed ended after ${ended} of ${count} results`);
}

await serveParent((request: IdleRequest | FloodRequest) => (request.kind === "idle" ? idle(request) : flood(request)));
process.exit(0);
