import { setTimeout as sleep } from "node:timers/promises";
import type { ServerMessage, ServerMessageInput } from "@fleetwire/proto";
import { createLogger, systemClock } from "@fleetwire/service";
import { eventually } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { type Connection, keepConnected } from "./connection.ts";
import type { SessionOwner } from "./session.ts";
import type { OpenStream, StreamEvents } from "./stream.ts";

interface FakeStream {
  say(message: ServerMessageInput): void;
  break(status?: string, code?: string): void;
  written: string[];
  over: boolean;
}

let connection: Connection;
afterEach(() => connection.close());

/** Streams in memory; what the agent would do with frames is recorded. */
function connect(overrides: Partial<SessionOwner> = {}) {
  const streams: FakeStream[] = [];
  const log: string[] = [];
  const lines: string[] = [];
  let enrolled = 0;
  const open: OpenStream = (events: StreamEvents) => {
    const stream: FakeStream = {
      written: [],
      over: false,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a frame with the one body that matters
      say: (message) => events.message(message as ServerMessage),
      break(status = "CANCELLED", code = "") {
        if (stream.over) return;
        stream.over = true;
        events.ended({ status, code, details: "" });
      },
    };
    streams.push(stream);
    return {
      write: (message) => stream.written.push(Object.keys(message)[0] ?? "") > 0,
      end: () => stream.break("OK"),
      cancel: () => stream.break("CANCELLED"),
    };
  };
  connection = keepConnected({
    open,
    owner: {
      hello: () => Promise.resolve({ agentId: "a" }),
      welcomed: () => Promise.resolve(),
      frame: (message) => void log.push(`frame ${message.assign?.commandId}`),
      detached: () => void log.push("detached"),
      load: () => ({ occupancy: "idle", running: 0, load1: 0, freeMemoryBytes: 0 }),
      ...overrides,
    },
    enrolAgain: () => {
      enrolled += 1;
      return Promise.resolve();
    },
    clock: systemClock,
    log: createLogger({ service: "test", destination: { write: (line) => void lines.push(line) } }),
    random: () => 0,
  });
  const stream = (n: number): Promise<FakeStream> => eventually(() => streams[n], { deadlineMs: 5_000 });
  return { stream, log, lines, streams, enrolments: () => enrolled };
}

const challenge = { challenge: { nonce: Buffer.alloc(32) } };
const welcome = { welcome: { epoch: 3, heartbeatIntervalMs: 1_000, heartbeatTimeoutMs: 5_000 } };

async function greet(stream: FakeStream): Promise<void> {
  stream.say(challenge);
  await eventually(() => stream.written.includes("hello"), { deadlineMs: 5_000 });
  stream.say(welcome);
}

test.each(["CANCELLED", "UNAVAILABLE", "OK", "INTERNAL", "UNAUTHENTICATED"])(
  "a stream that ends with %s is followed by another",
  async (status) => {
    const { stream } = connect();
    const first = await stream(0);
    await greet(first);
    first.break(status);
    const second = await stream(1);
    await greet(second);
    expect(second.written).toContain("hello");
  },
);

test("frames that come before the welcome is settled wait for it, those of an ended stream are never handled", async () => {
  const settled = Promise.withResolvers<void>();
  const { stream, log } = connect({ welcomed: () => settled.promise });
  const first = await stream(0);
  await greet(first);
  first.say({ assign: { commandId: "early" } });
  await sleep(0);
  expect(log).toEqual([]);
  settled.resolve();
  await eventually(() => log.includes("frame early"), { deadlineMs: 5_000 });
  first.break();
  first.say({ assign: { commandId: "late" } });
  await greet(await stream(1));
  expect(log).toEqual(["frame early", "detached"]);
});

test("a stream that breaks while the welcome is settled has its early frames dropped", async () => {
  const settled = Promise.withResolvers<void>();
  const { stream, log } = connect({ welcomed: () => settled.promise });
  const first = await stream(0);
  await greet(first);
  first.say({ assign: { commandId: "early" } });
  first.break();
  settled.resolve();
  await stream(1);
  expect(log).toEqual(["detached"]);
});

test("frames before the challenge and the welcome are ignored", async () => {
  const { stream, log } = connect();
  const first = await stream(0);
  first.say({ assign: { commandId: "rude" } });
  await greet(first);
  first.say({ assign: { commandId: "polite" } });
  await eventually(() => log.length > 0, { deadlineMs: 5_000 });
  expect(log).toEqual(["frame polite"]);
});

test("sent away for longer than a timer can wait, it comes back after ten minutes, and not at once", async () => {
  const { stream, lines } = connect();
  const first = await stream(0);
  await greet(first);
  first.say({ goAway: { reason: "GO_AWAY_REASON_SERVER_STOPPING", reconnect: true, afterMs: 2 ** 32 - 1 } });
  const line = await eventually(() => lines.find((text) => text.includes("sent away")), { deadlineMs: 5_000 });
  expect(JSON.parse(line)).toMatchObject({ waitMs: 600_000 });
});

test("an agent that the server doesn't know tries to enrol again before it comes back", async () => {
  const { stream, enrolments } = connect();
  (await stream(0)).break("UNAUTHENTICATED", "agent_unknown");
  await stream(1);
  expect(enrolments()).toBe(1);
});

test.each([
  ["GO_AWAY_REASON_SUPERSEDED", "superseded"],
  ["GO_AWAY_REASON_REVOKED", "revoked"],
  ["GO_AWAY_REASON_PROTOCOL_ERROR", "other"],
] as const)("told not to come back with %s, it stays away", async (reason, expected) => {
  const { stream, streams } = connect();
  const first = await stream(0);
  await greet(first);
  first.say({ goAway: { reason, reconnect: false, afterMs: 0, message: "why" } });
  expect(await connection.dismissed).toEqual({ reason: expected, message: "why" });
  expect(streams).toHaveLength(1);
  expect(first.over).toBe(true);
});

test("closed, it ends its stream and opens no other", async () => {
  const { stream, streams } = connect();
  const first = await stream(0);
  await greet(first);
  await connection.close();
  expect(first.over).toBe(true);
  expect(streams).toHaveLength(1);
});
