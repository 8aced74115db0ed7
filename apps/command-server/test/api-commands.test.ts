import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type Answer, type ApiServer } from "./api-server.ts";
import { driveAgent, enrolAgent } from "./driven-agent.ts";

let api: ApiServer;
let agentId: string;

beforeAll(async () => {
  api = await startApiServer();
  agentId = await enrolAgent(api.running.store, "acme");
});
afterAll(() => api.close());

function queue(body: Record<string, unknown>): Promise<Answer> {
  return api.call("POST", "/commands", { body });
}

async function queued(body: Record<string, unknown> = {}): Promise<string> {
  const answer = await queue({ agentId, command: "uptime", ...body });
  expect(answer.status).toBe(202);
  return String(answer.json["commandId"]);
}

describe("POST /commands", () => {
  test("stores the command and says where it is", async () => {
    const answer = await queue({ agentId, command: "uptime" });
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({ commandId: expect.any(String), status: "queued" });
    expect(answer.headers.get("location")).toBe(`/commands/${String(answer.json["commandId"])}`);
  });

  test("fills in what wasn't said", async () => {
    const { json } = await api.call("GET", `/commands/${await queued()}`);
    expect(json).toMatchObject({
      agentId,
      type: "SHELL",
      command: "uptime",
      parameters: {},
      status: "queued",
      attempt: 1,
      timeoutSeconds: 300,
      priority: 6,
      idempotent: false,
      createdBy: "operator:ann",
    });
    expect(json).not.toHaveProperty("args");
    expect(json).not.toHaveProperty("result");
    const waits = Date.parse(String(json["expiresAt"])) - Date.parse(String(json["queuedAt"]));
    expect(waits).toBe(24 * 3600 * 1000);
  });

  test("keeps what was said", async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const said = { command: "ls", args: ["-l", "a b"], timeoutSeconds: 7, priority: 9, idempotent: true, expiresAt };
    const { json } = await api.call("GET", `/commands/${await queued(said)}`);
    expect(json).toMatchObject(said);
  });

  test("takes PING as idempotent, without being told", async () => {
    const { json } = await api.call("GET", `/commands/${await queued({ type: "PING", command: undefined })}`);
    expect(json["idempotent"]).toBe(true);
  });

  test("refuses an agent that never enrolled with 404, unless unknown agents are allowed", async () => {
    const refused = await queue({ agentId: "nobody", command: "uptime" });
    expect([refused.status, refused.json["code"]]).toEqual([404, "agent_unknown"]);
    const allowed = await queue({ agentId: "nobody", command: "uptime", allowUnknownAgent: true });
    expect(allowed.status).toBe(202);
  });

  test("refuses parameters that don't fit the type with 422 and their path", async () => {
    const refused = await queue({ agentId, type: "STOP", parameters: { reason: 5 } });
    expect([refused.status, refused.json["code"]]).toEqual([422, "invalid_parameters"]);
    expect(refused.json["errors"]).toMatchObject([{ path: "body/parameters/reason" }]);
  });

  test("takes STOP with a reason for an unknown agent, as the command-sender sends it", async () => {
    const answer = await queue({
      agentId: "agent123",
      type: "STOP",
      parameters: { reason: "test" },
      allowUnknownAgent: true,
    });
    expect(answer.status).toBe(202);
  });

  test("checks a plug-in's parameters by what the agent announced", async () => {
    const parametersSchema = { type: "object", required: ["depth"], properties: { depth: { type: "integer" } } };
    const agent = await driveAgent(api.running.store, "acme", { types: [{ type: "SCAN", parametersSchema }] });
    const scan = (parameters: object) => queue({ agentId: agent.agentId, type: "SCAN", parameters });
    expect((await scan({ depth: 1 })).status).toBe(202);
    const refused = await scan({ depth: "deep" });
    expect([refused.status, refused.json["code"]]).toEqual([422, "invalid_parameters"]);
    expect(refused.json["errors"]).toMatchObject([{ path: "body/parameters/depth" }]);
  });

  test("refuses a type that the agent doesn't offer with 422", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const refused = await queue({ agentId: agent.agentId, type: "DEPLOY" });
    expect([refused.status, refused.json["code"]]).toEqual([422, "unknown_type"]);
  });

  test("takes any well-formed type for an agent that hasn't said yet what it offers", async () => {
    expect((await queue({ agentId, type: "DEPLOY" })).status).toBe(202);
    expect((await queue({ agentId: "later", type: "DEPLOY", allowUnknownAgent: true })).status).toBe(202);
  });
});

describe("an idempotency key", () => {
  test("gives the same command for the same request, with its status now", async () => {
    const body = { agentId, command: "uptime", idempotencyKey: randomUUID(), parameters: {}, priority: 6 };
    const first = await queue(body);
    // Said in another order, and with a default left out.
    const { priority: _left, ...rest } = body;
    const again = await queue({ ...rest, type: "SHELL" });
    expect([again.status, again.json]).toEqual([202, first.json]);
    await api.call("POST", `/commands/${String(first.json["commandId"])}/cancel`);
    expect((await queue(body)).json).toEqual({ ...first.json, status: "cancelled" });
  });

  test("of one command is one command however many ask at once", async () => {
    const body = { agentId, command: "uptime", idempotencyKey: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 20 }, () => queue(body)));
    expect(new Set(answers.map(({ json }) => json["commandId"])).size).toBe(1);
  });

  test.each([
    { command: "reboot" },
    { timeoutSeconds: 5 },
    { parameters: {}, args: [] },
    { type: "PING", command: undefined },
  ])("is refused with 409 for another request: %j", async (change) => {
    const body = { agentId, command: "uptime", idempotencyKey: randomUUID() };
    await queue(body);
    const refused = await queue({ ...body, ...change });
    expect([refused.status, refused.json["code"]]).toEqual([409, "idempotency_key_reused"]);
  });

  test("of one company means nothing in another", async () => {
    const foreign = await enrolAgent(api.running.store, "other");
    const idempotencyKey = randomUUID();
    const ours = await queue({ agentId, command: "uptime", idempotencyKey });
    const body = { agentId: foreign, command: "whoami", idempotencyKey };
    const theirs = await api.call("POST", "/commands", { as: "other", body });
    expect(theirs.status).toBe(202);
    expect(theirs.json["commandId"]).not.toBe(ours.json["commandId"]);
  });
});

describe("GET /commands/:id", () => {
  test("shows a finished command with its output as text, bytes that aren't UTF-8 replaced", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const commandId = await queued({ agentId: agent.agentId });
    const run = await agent.take();
    await agent.start(run);
    await agent.print(run, 0, Buffer.from([0x68, 0xc3, 0xa9, 0xff, 0x0a]));
    await agent.finish(run, { exitCode: 3, outputBytes: 5 });
    const { json } = await api.call("GET", `/commands/${commandId}`);
    expect(json).toMatchObject({
      status: "failed",
      assignedAt: expect.any(String),
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
      result: { exitCode: 3, output: "hé\ufffd\n", truncated: false, outputBytes: 5, durationMs: 5 },
    });
    expect(json["result"]).not.toHaveProperty("error");
  });

  test.each(["01987b0a-0000-7000-8000-000000000000", "nope", "%00", "a%2Fb", "x".repeat(200), "-".repeat(36)])(
    "answers 404 or 400 where there is no such command: %s",
    async (id) => {
      const answer = await api.call("GET", `/commands/${id}`);
      expect(["command_unknown", "invalid_request"]).toContain(answer.json["code"]);
    },
  );
});

describe("GET /commands", () => {
  test("pages through a company's commands, newest first, each once", async () => {
    const target = await enrolAgent(api.running.store, "acme");
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) ids.push(await queued({ agentId: target }));
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 4; page += 1) {
      const { json } = await api.call("GET", `/commands?agentId=${target}&limit=2${cursor}`);
      seen.push(...(json["items"] as { commandId: string }[]).map(({ commandId }) => commandId));
      const next = json["nextCursor"];
      if (typeof next !== "string") break;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
    expect(seen).toEqual(ids.toReversed());
  });

  test("filters by several states and by type", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const { agentId: target } = agent;
    const cancelled = await queued({ agentId: target });
    await api.call("POST", `/commands/${cancelled}/cancel`);
    const assigned = await queued({ agentId: target });
    await agent.take();
    const ping = await queued({ agentId: target, type: "PING", command: undefined });
    const ids = async (query: string) => {
      const { json } = await api.call("GET", `/commands?agentId=${target}&${query}`);
      return (json["items"] as { commandId: string }[]).map(({ commandId }) => commandId);
    };
    expect(await ids("status=cancelled&status=queued")).toEqual([ping, cancelled]);
    expect(await ids("status=assigned")).toEqual([assigned]);
    expect(await ids("type=PING")).toEqual([ping]);
  });

  test.each([
    "status=done",
    "limit=0",
    "limit=501",
    "limit=ten",
    "agentId=-x",
    "type=shell",
    "companyId=other",
    "cursor=",
  ])("refuses ?%s with 400 or takes it for nothing said, never worse", async (query) => {
    const answer = await api.call("GET", `/commands?${query}`);
    expect(query === "cursor=" ? [200, 400] : [400]).toContain(answer.status);
  });

  test("refuses a cursor that isn't ours", async () => {
    const answer = await api.call("GET", "/commands?cursor=nope!");
    expect([answer.status, answer.json["code"]]).toEqual([400, "invalid_cursor"]);
  });
});

describe("POST /commands/:id/cancel", () => {
  test("cancels at once what is queued", async () => {
    const answer = await api.call("POST", `/commands/${await queued()}/cancel`);
    expect([answer.status, answer.json["status"]]).toEqual([200, "cancelled"]);
  });

  test("asks the agent where it is assigned", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const commandId = await queued({ agentId: agent.agentId });
    await agent.take();
    const answer = await api.call("POST", `/commands/${commandId}/cancel`);
    expect([answer.status, answer.json["status"]]).toEqual([202, "assigned"]);
    expect(answer.json["cancelRequestedAt"]).toEqual(expect.any(String));
  });

  test("answers 409 for one that has ended, with how", async () => {
    const commandId = await queued();
    await api.call("POST", `/commands/${commandId}/cancel`);
    const again = await api.call("POST", `/commands/${commandId}/cancel`);
    expect([again.status, again.json["code"], again.json["details"]]).toEqual([
      409,
      "command_ended",
      { status: "cancelled" },
    ]);
  });

  test("answers 404 where there is none", async () => {
    const answer = await api.call("POST", `/commands/${randomUUID()}/cancel`);
    expect([answer.status, answer.json["code"]]).toEqual([404, "command_unknown"]);
  });
});
