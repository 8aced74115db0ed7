import { randomUUID } from "node:crypto";
import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { WireStream, enrol, newIdentity, wireProfile } from "./wire-agent.ts";

let api: ApiServer;
const streams: WireStream[] = [];

beforeAll(async () => {
  api = await startApiServer();
});
afterAll(async () => {
  for (const stream of streams) stream.close();
  await api.close();
});

async function joinToken(body: object = {}): Promise<Record<string, unknown>> {
  const answer = await api.call("POST", "/join-tokens", { body });
  expect(answer.status).toBe(201);
  return answer.json;
}

/** A live agent over gRPC, enrolled with a token from the API. */
async function connect(agentId: string, labels: Record<string, string>, fleet: string) {
  const identity = newIdentity(agentId);
  await enrol(api.running.grpcAddress, identity, String((await joinToken({ fleet }))["token"]));
  const stream = new WireStream(api.running.grpcAddress);
  streams.push(stream);
  await stream.hello(identity, { profile: { ...wireProfile, fleet: "", labels } });
  await stream.next("welcome");
  return { stream, identity };
}

async function listed(query: string): Promise<string[]> {
  const { json, status } = await api.call("GET", `/agents?${query}`);
  expect(status).toBe(200);
  return (json["items"] as { agentId: string }[]).map(({ agentId }) => agentId);
}

describe("agents", () => {
  test("are listed by id, and filtered by fleet, status and labels", async () => {
    const fleet = `fleet-${randomUUID()}`;
    await connect(`${fleet}-b`, { zone: "a", arch: "arm64" }, fleet);
    await connect(`${fleet}-a`, { zone: "a", arch: "x64" }, fleet);
    const { stream } = await connect(`${fleet}-c`, { zone: "b", note: "a=b" }, fleet);
    expect(await listed(`fleet=${fleet}`)).toEqual([`${fleet}-a`, `${fleet}-b`, `${fleet}-c`]);
    expect(await listed(`fleet=${fleet}&label=zone%3Da`)).toEqual([`${fleet}-a`, `${fleet}-b`]);
    expect(await listed(`fleet=${fleet}&label=zone%3Da&label=arch%3Darm64`)).toEqual([`${fleet}-b`]);
    expect(await listed(`fleet=${fleet}&label=note%3Da%3Db`)).toEqual([`${fleet}-c`]);
    stream.close();
    await eventually(async () => (await listed(`fleet=${fleet}&status=offline`)).length === 1, { deadlineMs: 10_000 });
    expect(await listed(`fleet=${fleet}&status=offline`)).toEqual([`${fleet}-c`]);
  });

  test("are shown with what they are, and why they went", async () => {
    const agentId = `agent-${randomUUID()}`;
    const { stream } = await connect(agentId, { zone: "a" }, "edge");
    const online = await api.call("GET", `/agents/${agentId}`);
    expect(online.json).toMatchObject({
      agentId,
      status: "online",
      fleet: "edge",
      labels: { zone: "a" },
      types: [{ type: "SHELL", parametersSchema: null }],
      concurrency: 2,
      hostname: "wire",
      platform: "linux",
      draining: false,
      epoch: 1,
      connectedAt: expect.any(String),
    });
    stream.close();
    const offline = await eventually(
      async () => {
        const { json } = await api.call("GET", `/agents/${agentId}`);
        return json["status"] === "offline" && json;
      },
      { deadlineMs: 10_000, what: "the agent's end" },
    );
    expect(offline).toMatchObject({ disconnectReason: expect.any(String), disconnectedAt: expect.any(String) });
  });

  test("page with a cursor", async () => {
    const fleet = `fleet-${randomUUID()}`;
    for (const name of ["a", "b", "c"]) await connect(`${fleet}-${name}`, {}, fleet);
    const first = await api.call("GET", `/agents?fleet=${fleet}&limit=2`);
    const cursor = encodeURIComponent(String(first.json["nextCursor"]));
    expect(await listed(`fleet=${fleet}&limit=2&cursor=${cursor}`)).toEqual([`${fleet}-c`]);
  });

  test("lose the live session and the right to connect when revoked", async () => {
    const agentId = `agent-${randomUUID()}`;
    const { stream, identity } = await connect(agentId, {}, "");
    expect((await api.call("POST", `/agents/${agentId}/revoke`)).status).toBe(204);
    await stream.ended();
    const again = new WireStream(api.running.grpcAddress);
    streams.push(again);
    await again.hello(identity);
    expect(await again.ended()).toMatchObject({ status: "UNAUTHENTICATED" });
    expect((await api.call("GET", `/agents/${agentId}`)).json["status"]).toBe("revoked");
  });

  test("are taken out of service and put back, with why it is shown", async () => {
    const agentId = `agent-${randomUUID()}`;
    const { stream } = await connect(agentId, {}, "");
    const drained = await api.call("POST", `/agents/${agentId}/drain`);
    expect([drained.status, drained.json]).toMatchObject([
      200,
      { agentId, draining: true, drainReasons: ["operator"], drainRequestedAt: expect.any(String) },
    ]);
    const queued = await api.call("POST", "/commands", { body: { agentId, command: "true" } });
    expect(queued.status).toBe(202);
    expect((await api.call("POST", "/commands", { body: { agentId, type: "PING" } })).status).toBe(202);
    expect((await stream.next("assign")).type).toBe("PING");
    const back = await api.call("POST", `/agents/${agentId}/undrain`);
    expect([back.status, back.json]).toMatchObject([200, { draining: false, drainReasons: [] }]);
    expect((await stream.next("assign")).commandId).toBe(queued.json["commandId"]);
    for (const way of ["drain", "undrain"]) {
      const path = `/agents/${agentId}/${way}`;
      expect((await api.call("POST", path, { as: "other" })).status).toBe(404);
      expect((await api.call("POST", path, { as: "reader" })).status).toBe(403);
    }
  });

  test("have a history of sessions, newest first", async () => {
    const agentId = `agent-${randomUUID()}`;
    const { stream, identity } = await connect(agentId, {}, "");
    stream.endSending();
    await stream.ended();
    const again = new WireStream(api.running.grpcAddress);
    streams.push(again);
    await again.hello(identity, { seenEpoch: 1 });
    await again.next("welcome");
    const { status, json } = await api.call("GET", `/agents/${agentId}/sessions`);
    expect([status, json["nextCursor"]]).toEqual([200, null]);
    const [open, ended] = json["items"] as Record<string, unknown>[];
    expect(open).toMatchObject({ epoch: 2, serverId: expect.any(String), connectedAt: expect.any(String) });
    expect(open).not.toHaveProperty("reason");
    expect(ended).toMatchObject({ epoch: 1, disconnectedAt: expect.any(String), reason: "agent_closed" });
    const { json: first } = await api.call("GET", `/agents/${agentId}/sessions?limit=1`);
    expect(first["items"]).toHaveLength(1);
    expect((await api.call("GET", `/agents/${agentId}/sessions?limit=0`)).status).toBe(400);
    expect((await api.call("GET", `/agents/${agentId}/sessions`, { as: "other" })).status).toBe(404);
  });

  test.each(["/agents/nobody", "/agents/-x", "/agents/%2e%2e%2fetc", `/agents/${"x".repeat(200)}`])(
    "that don't exist are answered 404: %s",
    async (path) => {
      const answer = await api.call("GET", path);
      expect([answer.status, answer.json["code"]]).toEqual([404, "agent_unknown"]);
      for (const way of ["revoke", "drain", "undrain"]) {
        expect((await api.call("POST", `${path}/${way}`)).status).toBe(404);
      }
      expect((await api.call("GET", `${path}/sessions`)).status).toBe(404);
    },
  );

  test.each(["label=zone", "label==a", "status=sleeping", "limit=501", "cursor=nope", "label=a%3Db&label=a%3Dc"])(
    "can't be listed by ?%s",
    async (query) => {
      expect((await api.call("GET", `/agents?${query}`)).status).toBe(400);
    },
  );
});

describe("join tokens", () => {
  test("are shown whole once, and listed without the secret", async () => {
    const made = await joinToken({ fleet: "edge", uses: 3, ttlSeconds: 60 });
    expect(made).toMatchObject({ fleet: "edge", usesLeft: 3, token: expect.stringMatching(/^fw_/) });
    const lifetime = Date.parse(String(made["expiresAt"])) - Date.parse(String(made["createdAt"]));
    expect(lifetime).toBe(60_000);
    const { json, text } = await api.call("GET", "/join-tokens");
    expect((json["items"] as { tokenId: string }[]).some(({ tokenId }) => tokenId === made["tokenId"])).toBe(true);
    expect(text).not.toContain(String(made["token"]));
  });

  test("enrol nobody once they are revoked", async () => {
    const made = await joinToken();
    expect((await api.call("DELETE", `/join-tokens/${String(made["tokenId"])}`)).status).toBe(204);
    const identity = newIdentity(`agent-${randomUUID()}`);
    await expect(enrol(api.running.grpcAddress, identity, String(made["token"]))).rejects.toThrow(/UNAUTHENTICATED/);
  });

  test("that don't exist are answered 404", async () => {
    for (const id of [randomUUID(), "nope", "%00x"]) {
      const answer = await api.call("DELETE", `/join-tokens/${id}`);
      expect([400, 404]).toContain(answer.status);
    }
  });

  test.each([
    { uses: 0 },
    { uses: 10_001 },
    { ttlSeconds: 0 },
    { ttlSeconds: 31 * 86_400 },
    { agentId: "-x" },
    { companyId: "other" },
  ])("are refused for %j", async (body) => {
    const answer = await api.call("POST", "/join-tokens", { body });
    expect([answer.status, answer.json["code"]]).toEqual([400, "invalid_request"]);
  });
});
