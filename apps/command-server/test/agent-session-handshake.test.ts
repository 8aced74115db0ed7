import { createHash, randomBytes, randomUUID, sign } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { helloMessage } from "../src/agents/hello.ts";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { codeOf, enrol, newIdentity, wireProfile, WireStream } from "./wire-agent.ts";

describe("an agent enrols and connects", () => {
  let bed: StoreBed;
  let server: SessionServer;

  beforeAll(async () => {
    bed = await startStoreBed();
    server = await startSessionServer({ ...(await bed.open()), settings: { helloTimeoutMs: 300 } });
  });
  afterAll(async () => {
    await server.close();
    await bed.close();
  });

  async function joinToken(uses = 1): Promise<string> {
    const token = `join-${randomUUID()}`;
    await server.store.createJoinToken({
      tokenId: randomUUID(),
      companyId,
      tokenHash: createHash("sha256").update(token).digest("hex"),
      fleet: "edge",
      agentId: null,
      uses,
      ttlMs: 60_000,
      createdBy: "operator:test",
    });
    return token;
  }

  /** How a stream ends whose hello was changed like this. */
  async function refusal(hello: Parameters<WireStream["hello"]>[1], agent = newIdentity(`agent-${randomUUID()}`)) {
    const stream = new WireStream(server.address);
    await stream.hello(agent, hello);
    const end = await stream.ended();
    stream.close();
    return { end, goAway: stream.all("goAway")[0] };
  }

  it("gives the enrolled agent its company and fleet, and takes the same key again without another use", async () => {
    const agent = newIdentity("enrol-1");
    const token = await joinToken();
    const first = await enrol(server.address, agent, token);
    expect(first).toEqual({ agentId: "enrol-1", companyId, fleet: "edge" });
    expect(await enrol(server.address, agent, token)).toEqual(first);
  });

  it("refuses an unknown and a used-up join token alike", async () => {
    const token = await joinToken();
    await enrol(server.address, newIdentity("enrol-2"), token);
    for (const bad of [token, "join-nobody-made"]) {
      const error: unknown = await enrol(server.address, newIdentity(`enrol-${randomUUID()}`), bad).catch(
        (e: unknown) => e,
      );
      expect(codeOf(error)).toBe("join_token_invalid");
      expect(error).toMatchObject({ code: status.UNAUTHENTICATED });
    }
  });

  it("refuses an id that is bound to another key", async () => {
    const token = await joinToken(2);
    await enrol(server.address, newIdentity("enrol-3"), token);
    const error: unknown = await enrol(server.address, newIdentity("enrol-3"), token).catch((e: unknown) => e);
    expect(codeOf(error)).toBe("agent_id_taken");
    expect(error).toMatchObject({ code: status.ALREADY_EXISTS });
  });

  it.each([
    ["an id that could be an option", { agentId: "-rf" }],
    ["an id with a path", { agentId: "a/../b" }],
    ["an id that is too long", { agentId: "a".repeat(129) }],
    ["a short key", { publicKey: randomBytes(31) }],
  ])("refuses %s", async (_, change) => {
    const agent = { ...newIdentity("enrol-4"), ...change };
    const error: unknown = await enrol(server.address, agent, await joinToken()).catch((e: unknown) => e);
    expect(codeOf(error)).toBe("invalid_request");
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it("welcomes the agent with a rising epoch, and shows it online", async () => {
    const agent = await server.agent("welcome-1");
    const { stream, welcome } = await server.connect(agent, { seenEpoch: 41 });
    expect(welcome).toMatchObject({
      epoch: 42,
      newLedgerId: "",
      heartbeatIntervalMs: 10_000,
      maxChunkBytes: 65_536,
      resume: [],
    });
    expect(await server.store.getAgent(companyId, "welcome-1")).toMatchObject({
      status: "online",
      epoch: 42,
      version: "1.0.0",
    });
    stream.endSending();
    expect(await stream.ended()).toMatchObject({ status: "OK" });
    await expect
      .poll(() => server.store.getAgent(companyId, "welcome-1"))
      .toMatchObject({ status: "offline", disconnectReason: "agent_closed" });
    const again = await server.connect(agent, { seenEpoch: 42 });
    expect(again.welcome.epoch).toBe(43);
    again.stream.close();
    await expect
      .poll(() => server.store.getAgent(companyId, "welcome-1"))
      .toMatchObject({ status: "offline", disconnectReason: "connection_lost" });
  });

  it("doesn't tell an id that nobody has from a signature by another key", async () => {
    const known = await server.agent("signed-1");
    const impostor = { ...newIdentity("signed-1"), ledgerId: known.ledgerId };
    const wrongKey = await refusal({}, impostor);
    const nobody = await refusal({});
    expect(wrongKey.end).toEqual({ status: "UNAUTHENTICATED", code: "agent_unknown", details: nobody.end.details });
    expect(nobody.end.code).toBe("agent_unknown");
  });

  it("refuses a signature of another length, whoever sends it", async () => {
    expect((await refusal({ signature: Buffer.alloc(63) })).end).toMatchObject({
      status: "UNAUTHENTICATED",
      code: "invalid_signature",
    });
  });

  it("refuses an answer to another stream's challenge", async () => {
    const agent = await server.agent();
    const heard = new WireStream(server.address);
    const { nonce } = await heard.next("challenge");
    expect(nonce).toHaveLength(32);
    const signature = sign(null, helloMessage(nonce, agent.agentId, agent.ledgerId), agent.privateKey);
    expect((await refusal({ signature }, agent)).end.code).toBe("agent_unknown");
    heard.close();
  });

  it("tells a revoked agent so, but only the holder of its key", async () => {
    const agent = await server.agent("revoked-1");
    await server.store.revokeAgent(companyId, "revoked-1");
    expect((await refusal({}, agent)).end).toMatchObject({ status: "UNAUTHENTICATED", code: "agent_revoked" });
    expect((await refusal({}, newIdentity("revoked-1"))).end.code).toBe("agent_unknown");
  });

  it("refuses another ledger of the same agent while the first one's session is fresh", async () => {
    const agent = await server.agent("twice-1");
    const { stream } = await server.connect(agent);
    expect((await refusal({}, { ...agent, ledgerId: randomUUID() })).end).toMatchObject({
      status: "FAILED_PRECONDITION",
      code: "agent_id_in_use",
    });
    stream.send({ heartbeat: { sequence: 7 } });
    expect(await stream.next("heartbeatAck")).toEqual({ sequence: 7 });
    stream.close();
  });

  it("lets a newer session of the same ledger take over, and tells the older one not to come back", async () => {
    const agent = await server.agent("newer-1");
    const older = await server.connect(agent);
    const newer = await server.connect(agent, { seenEpoch: older.welcome.epoch });
    expect(newer.welcome.epoch).toBe(older.welcome.epoch + 1);
    expect(await older.stream.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_SUPERSEDED", reconnect: false });
    expect((await older.stream.ended()).code).toBe("superseded");
    expect(await server.store.getAgent(companyId, "newer-1")).toMatchObject({
      status: "online",
      epoch: newer.welcome.epoch,
    });
    expect(await server.metric("agent_disconnects_total", { reason: "superseded" })).toBe(1);
    newer.stream.close();
  });

  it("gives an older copy of a ledger a new id, and the copy is refused from then on", async () => {
    const agent = await server.agent("copy-1");
    const first = await server.connect(agent);
    const commandId = await server.queue("copy-1");
    const { assignNo, attempt } = await first.stream.next("assign");
    first.stream.send({ started: { commandId, assignNo, attempt, recorded: true } });
    await expect.poll(() => server.store.get(companyId, commandId)).toMatchObject({ startedAt: expect.any(Date) });
    first.stream.close();
    const copy = await server.connect(agent, { seenEpoch: 0, highest: 0 });
    expect(copy.welcome.newLedgerId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(await server.store.get(companyId, commandId)).toMatchObject({
      status: "failed",
      result: { error: "ledger_lost" },
    });
    copy.stream.close();
  });

  it.each<[string, Parameters<WireStream["hello"]>[1]]>([
    ["a ledger id that isn't a UUID", { ledgerId: "ledger" }],
    ["no profile", { profile: null }],
    ["a concurrency of 0", { profile: { ...wireProfile, concurrency: 0 } }],
    ["an epoch beyond safe integers", { seenEpoch: "18446744073709551615" }],
    [
      "an assignment held twice",
      { held: [1, 1].map((assignNo) => ({ commandId: "c", assignNo, attempt: 1, state: 1 as const })) },
    ],
    ["a schema that isn't JSON", { profile: { ...wireProfile, types: [{ type: "X", parametersSchemaJson: "{" }] } }],
  ])("refuses a hello with %s as a broken protocol", async (_, hello) => {
    const { end, goAway } = await refusal(hello);
    expect(end).toMatchObject({ status: "INVALID_ARGUMENT", code: "protocol_error" });
    expect(goAway).toMatchObject({ reason: "GO_AWAY_REASON_PROTOCOL_ERROR", reconnect: true });
  });

  it("refuses a first frame that isn't a hello", async () => {
    const stream = new WireStream(server.address);
    await stream.next("challenge");
    stream.send({ heartbeat: { sequence: 1 } });
    expect((await stream.ended()).code).toBe("protocol_error");
  });

  it("ends a stream on which no hello comes", async () => {
    const stream = new WireStream(server.address);
    expect(await stream.ended()).toMatchObject({ status: "DEADLINE_EXCEEDED", code: "hello_timeout" });
  });

  it("slows down whoever keeps trying wrong join tokens", async () => {
    const codes: unknown[] = [];
    for (let attempt = 0; attempt < 32; attempt += 1) {
      await enrol(server.address, newIdentity("guess"), "wrong").catch((error: unknown) => codes.push(codeOf(error)));
    }
    expect(codes.at(0)).toBe("join_token_invalid");
    expect(codes.at(-1)).toBe("too_many_attempts");
  });
});

describe("a herd", () => {
  it("is let in as fast as hellos can be worked on; the rest is told to come back later", async () => {
    const bed = await startStoreBed();
    const server = await startSessionServer({
      ...(await bed.open()),
      settings: { helloConcurrency: 1, helloQueueLimit: 4, helloTimeoutMs: 5_000 },
    });
    const streams = Array.from({ length: 20 }, () => new WireStream(server.address));
    const turnedAway = async () => {
      const ends = streams.flatMap((stream) => stream.all("goAway"));
      return ends.length;
    };
    await expect.poll(turnedAway).toBe(16);
    const told = streams.flatMap((stream) => stream.all("goAway"));
    expect(told.every(({ reason, reconnect }) => reason === "GO_AWAY_REASON_OVERLOADED" && reconnect)).toBe(true);
    expect(new Set(told.map(({ afterMs }) => afterMs)).size).toBeGreaterThan(5);
    for (const stream of streams) stream.close();
    await server.close();
    await bed.close();
  });
});
