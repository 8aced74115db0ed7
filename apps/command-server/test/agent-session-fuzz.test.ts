import { randomUUID } from "node:crypto";
import type { AgentMessageInput } from "@fleetwire/proto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { wireProfile, WireStream, type WireIdentity } from "./wire-agent.ts";

const uint64 = fc.oneof(fc.nat({ max: 20 }), fc.constantFrom("18446744073709551615", "9007199254740993", 2 ** 53 - 1));
const uint32 = fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(4_294_967_295, 1));
const text = fc.oneof(
  fc.string(),
  fc.constantFrom("", "\0", "../x", "__proto__", "c1", "SHELL", "{}", '{"a":'),
  fc.uuid(),
);
const id = fc.oneof(text, fc.constantFrom("c1", "c2"));
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const choice = fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2);
const chunk = fc.record({
  commandId: id,
  attempt: uint32,
  offset: uint64,
  droppedBefore: uint64,
  stream: choice,
  data,
});
const run = { commandId: id, assignNo: uint64, attempt: uint32, recorded: fc.boolean() };
const profile = fc.record({
  fleet: text,
  labels: fc.dictionary(text, text, { maxKeys: 5 }),
  types: fc.array(fc.record({ type: text, parametersSchemaJson: text }), { maxLength: 3 }),
  concurrency: uint32,
  hostname: text,
  platform: text,
  draining: fc.boolean(),
});
const held = fc.record({ commandId: id, assignNo: uint64, attempt: uint32, state: choice });

const sessionFrame: fc.Arbitrary<AgentMessageInput> = fc.oneof(
  fc.record({ started: fc.record(run) }),
  fc.record({ refused: fc.record({ ...run, reason: choice }) }),
  fc.record({ output: chunk }),
  fc.record({
    result: fc.record({
      ...run,
      outcome: choice,
      exitCode: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      error: text,
      errorMessage: text,
      durationMs: uint64,
      outputBytes: uint64,
      tail: fc.array(chunk, { maxLength: 3 }),
      startedAgoMs: uint64,
    }),
  }),
  fc.record({
    heartbeat: fc.record({ sequence: uint64, running: uint32, load1: fc.double(), freeMemoryBytes: uint64 }),
  }),
  fc.record({ profile }),
  fc.constant({}),
);

describe("fuzzed frames", () => {
  let bed: StoreBed;
  let server: SessionServer;
  let agent: WireIdentity;

  beforeAll(async () => {
    bed = await startStoreBed();
    server = await startSessionServer(await bed.open());
    agent = await server.agent("fuzz");
  });
  afterAll(async () => {
    await server.close();
    await bed.close();
  });

  /** Statuses that say that this side failed. */
  const ours = new Set(["INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"]);

  it("in an open session are taken or end it with a reason, and never harm the server", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sessionFrame, { minLength: 1, maxLength: 12 }), async (frames) => {
        const { stream } = await server.connect(await server.agent());
        for (const frame of frames) stream.send(frame);
        stream.endSending();
        const end = await stream.ended();
        expect(ours).not.toContain(end.status);
        stream.close();
      }),
      { numRuns: 100 },
    );
    const unexpected = server.log.filter(({ level }) => level === "error");
    expect(unexpected).toEqual([]);
  });

  it("before a session are refused with a reason", async () => {
    const hello = fc.record({
      agentId: id,
      ledgerId: fc.oneof(text, fc.uuid()),
      seenEpoch: uint64,
      highest: uint64,
      horizon: uint64,
      held: fc.array(held, { maxLength: 4 }),
      profile: fc.oneof(profile, fc.constant(null), fc.constant(wireProfile)),
      signature: fc.oneof(
        data,
        fc.uint8Array({ minLength: 64, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      ),
      version: text,
      bootId: fc.oneof(text, fc.uuid()),
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.record({ hello }), sessionFrame), async (frame) => {
        const stream = new WireStream(server.address);
        await stream.next("challenge");
        stream.send(frame);
        const end = await stream.ended();
        expect(["INVALID_ARGUMENT", "UNAUTHENTICATED"]).toContain(end.status);
        stream.close();
      }),
      { numRuns: 150 },
    );
  });

  it("properly signed, with any claims about what is held, open a session or are refused with a reason", async () => {
    const claims = fc.record({
      ledgerId: fc.constantFrom(agent.ledgerId, randomUUID()),
      seenEpoch: fc.nat({ max: 1_000 }),
      highest: uint64,
      horizon: uint64,
      held: fc.array(held, { maxLength: 4 }),
      profile: fc.oneof(profile, fc.constant(wireProfile)),
      version: text,
    });
    await fc.assert(
      fc.asyncProperty(claims, async (hello) => {
        const stream = new WireStream(server.address);
        await stream.hello(agent, hello);
        const first = await Promise.race([
          stream.next("welcome").then(
            () => "welcome",
            () => "ended",
          ),
          stream.ended().then(() => "ended"),
        ]);
        if (first === "welcome") stream.endSending();
        expect(ours).not.toContain((await stream.ended()).status);
        stream.close();
      }),
      { numRuns: 100 },
    );
    expect(server.log.filter(({ level }) => level === "error")).toEqual([]);
  });
});
