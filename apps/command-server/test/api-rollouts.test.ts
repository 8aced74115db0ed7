import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { startApiServer, type Answer, type ApiServer, type Who } from "./api-server.ts";
import { driveAgent, enrolAgent, type DrivenAgent } from "./driven-agent.ts";
import { EventReader } from "./event-reader.ts";

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({ LOG_LEVEL: "info" });
});
afterAll(() => api.close());

type Counts = Record<string, number>;

function ask(body: Record<string, unknown>, as: Who = "acme"): Promise<Answer> {
  return api.call("POST", "/commands", { as, body });
}

/** Agents of a fleet of their own, connected, in order of their ids. */
async function fleetOf(
  count: number,
  change: Parameters<typeof driveAgent>[2] = {},
): Promise<{ fleet: string; agents: DrivenAgent[] }> {
  const fleet = `fleet-${randomUUID()}`;
  const agents = await Promise.all(
    Array.from({ length: count }, () => driveAgent(api.running.store, "acme", { fleet, ...change })),
  );
  return { fleet, agents: agents.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1)) };
}

async function rollout(rolloutId: string): Promise<Record<string, unknown> & { counts: Counts }> {
  const { json } = await api.call("GET", `/rollouts/${rolloutId}`);
  return json as Record<string, unknown> & { counts: Counts };
}

/** Resolves when the rollout has come to this. */
function reaches(rolloutId: string, expected: { status?: string; counts?: Counts }) {
  return eventually(
    async () => {
      const now = await rollout(rolloutId);
      const counts = Object.entries(expected.counts ?? {});
      const isThere = counts.every(([name, count]) => now.counts[name] === count);
      return isThere && (expected.status ?? now["status"]) === now["status"] && now;
    },
    { deadlineMs: 10_000, what: JSON.stringify(expected) },
  );
}

/** A rollout that was taken; every target's command is queued. */
async function started(body: Record<string, unknown>): Promise<string> {
  const answer = await ask({ command: "uptime", ...body });
  expect(answer.status).toBe(202);
  const rolloutId = String(answer.json["rolloutId"]);
  await eventually(
    async () => {
      const { counts, maxConcurrency } = await rollout(rolloutId);
      const { targets = 0, pending = 0 } = counts;
      return targets - pending >= Math.min(targets, Number(maxConcurrency ?? targets));
    },
    { deadlineMs: 10_000, what: "the first commands" },
  );
  return rolloutId;
}

async function finish(agent: DrivenAgent | undefined, end: { exitCode?: number; output?: string } = {}): Promise<void> {
  if (agent === undefined) throw new Error("no agent");
  const run = await agent.take();
  await agent.start(run);
  if (end.output !== undefined) await agent.print(run, 0, end.output);
  await agent.finish(run, { exitCode: end.exitCode ?? 0, outputBytes: end.output?.length ?? 0 });
}

/** What a dry run answers for a selector. */
async function targetsOf(selector: object, more: object = {}): Promise<Record<string, unknown>> {
  return (await ask({ selector, command: "uptime", dryRun: true, ...more })).json;
}

function schemaOf(name: string) {
  return { type: "object", required: [name], properties: { [name]: { type: "integer" } } };
}

async function follow(rolloutId: string): Promise<EventReader> {
  return new EventReader(await api.open(`/rollouts/${rolloutId}?follow=true`));
}

/** Six agents: three say "same", one fails with it, one says something else, one runs. */
async function mixed() {
  const { fleet, agents } = await fleetOf(6);
  const rolloutId = await started({ fleetId: fleet });
  for (const agent of agents.slice(0, 3)) await finish(agent, { output: "same\n" });
  await finish(agents[3], { output: "same\n", exitCode: 4 });
  await finish(agents[4], { output: "héllo wörld" });
  await agents[5]?.take();
  const results = async (query: string) => {
    const { json } = await api.call("GET", `/rollouts/${rolloutId}/results?${query}`);
    return json as { items: { agentId: string; output?: string }[]; nextCursor: string | null };
  };
  const found = async (query: string) =>
    (await results(query)).items.map(({ agentId }) => agents.findIndex((agent) => agent.agentId === agentId));
  return { rolloutId, agents, results, found };
}

describe("POST /commands for a fleet", () => {
  test("makes a rollout of a command for each of its agents, which takes its course", async () => {
    const { fleet, agents } = await fleetOf(3);
    const answer = await ask({ fleetId: fleet, command: "uptime", priority: 9, timeoutSeconds: 7 });
    const rolloutId = String(answer.json["rolloutId"]);
    expect([answer.status, answer.json]).toEqual([202, { rolloutId, status: "running", targets: 3, unable: 0 }]);
    expect(answer.headers.get("location")).toBe(`/rollouts/${rolloutId}`);
    await reaches(rolloutId, { counts: { queued: 3 } });
    for (const agent of agents) await finish(agent);
    const ended = await reaches(rolloutId, { status: "completed" });
    expect(ended).toEqual({
      rolloutId,
      status: "completed",
      type: "SHELL",
      command: "uptime",
      parameters: {},
      timeoutSeconds: 7,
      priority: 9,
      idempotent: false,
      selection: { fleetId: fleet },
      unable: 0,
      createdBy: "operator:ann",
      createdAt: expect.any(String),
      finishedAt: expect.any(String),
      counts: {
        targets: 3,
        pending: 0,
        queued: 0,
        assigned: 0,
        completed: 3,
        failed: 0,
        timeout: 0,
        cancelled: 0,
        expired: 0,
        errors: 0,
      },
    });
    const listed = await api.call("GET", `/commands?agentId=${agents[0]?.agentId}`);
    expect(listed.json["items"]).toMatchObject([{ rolloutId, status: "completed", timeoutSeconds: 7 }]);
    const said = api.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const msg of ["rollout started", "rollout ended"])
      expect(said.find((line) => line["msg"] === msg && line["rolloutId"] === rolloutId)).toBeDefined();
  });

  test("keeps to its concurrency, and goes on as soon as a command ends", async () => {
    const { fleet, agents } = await fleetOf(4);
    const rolloutId = await started({ fleetId: fleet, maxConcurrency: 1 });
    for (const [done, agent] of agents.entries()) {
      await reaches(rolloutId, { counts: { queued: 1, completed: done } });
      await finish(agent);
    }
    expect((await reaches(rolloutId, { status: "completed" })).counts).toMatchObject({ completed: 4, pending: 0 });
  });

  test("halts at one error too many", async () => {
    const { fleet, agents } = await fleetOf(4);
    const rolloutId = await started({ fleetId: fleet, maxErrors: 0 });
    await finish(agents[1], { exitCode: 3 });
    const halted = await reaches(rolloutId, { status: "halted", counts: { failed: 1, cancelled: 3, errors: 1 } });
    expect(halted).toMatchObject({ maxErrors: 0, finishedAt: expect.any(String) });
  });

  test("queues first for agents that take work, so that others don't hold them up", async () => {
    const { fleet, agents } = await fleetOf(2);
    const draining = await driveAgent(api.running.store, "acme", { fleet, draining: true });
    const dry = await ask({ fleetId: fleet, command: "uptime", dryRun: true });
    expect(dry.json["agents"]).toEqual([...agents.map(({ agentId }) => agentId), draining.agentId]);
  });

  test("leaves the agents of another company alone", async () => {
    const { fleet } = await fleetOf(1);
    const foreign = await ask({ fleetId: fleet, command: "uptime" }, "other");
    expect([foreign.status, foreign.json["code"]]).toEqual([422, "no_targets"]);
  });

  test("is refused where there is nobody", async () => {
    const answer = await ask({ fleetId: "nowhere", command: "uptime" });
    expect([answer.status, answer.json["code"], answer.json["details"]]).toEqual([422, "no_targets", { unable: 0 }]);
  });

  test("checks the command before it looks for agents", async () => {
    const { fleet } = await fleetOf(1);
    const answer = await ask({ fleetId: fleet });
    expect([answer.status, answer.json["code"]]).toEqual([422, "invalid_parameters"]);
  });
});

describe("POST /commands for a selector", () => {
  test("takes the agents for which all of it holds, offline ones unless they are to be online", async () => {
    const { fleet, agents } = await fleetOf(2, { labels: { zone: "a", arch: "arm" } });
    await driveAgent(api.running.store, "acme", { fleet, labels: { zone: "b" } });
    const [first, second] = agents.map(({ agentId }) => agentId);
    expect(await targetsOf({ fleet, labels: { zone: "a" } })).toEqual({
      dryRun: true,
      targets: 2,
      unable: 0,
      agents: [first, second],
    });
    expect(await targetsOf({ fleet })).toMatchObject({ targets: 3 });
    expect(await targetsOf({ fleet, labels: { zone: "a", arch: "x86" } })).toMatchObject({ code: "no_targets" });
    await api.call("POST", `/agents/${first}/revoke`);
    expect(await targetsOf({ fleet, labels: { zone: "a" } })).toMatchObject({ agents: [second] });
    const id = await enrolAgent(api.running.store, "other");
    const all = (await ask({ selector: {}, command: "uptime", dryRun: true }, "other")).json;
    expect(all).toMatchObject({ agents: [id] });
    const online = await ask({ selector: { online: true }, command: "uptime", dryRun: true }, "other");
    expect(online.json["code"]).toBe("no_targets");
  });

  test("of a plug-in's type takes who announced it with parameters of this shape, and counts the others", async () => {
    const offering = (parametersSchema: ReturnType<typeof schemaOf> | null) => ({
      types: [{ type: "SCAN", parametersSchema }],
    });
    const { fleet, agents } = await fleetOf(2, offering(schemaOf("depth")));
    const free = await driveAgent(api.running.store, "acme", { fleet, ...offering(null) });
    await driveAgent(api.running.store, "acme", { fleet, ...offering(schemaOf("height")) });
    await driveAgent(api.running.store, "acme", { fleet });
    const scan = { type: "SCAN", command: undefined };
    const able = await targetsOf({ fleet }, { ...scan, parameters: { depth: 1 } });
    expect(able).toMatchObject({ targets: 3, unable: 2 });
    expect(able["agents"]).toEqual([...agents, free].map(({ agentId }) => agentId).toSorted());
    const taken = await ask({ selector: { fleet }, type: "SCAN", parameters: { depth: 1 } });
    expect(taken.json).toMatchObject({ targets: 3, unable: 2 });
    const none = await ask({ selector: { fleet, capabilities: ["SCAN", "SHELL"] }, type: "SCAN" });
    expect(none.json["code"]).toBe("no_targets");
    const onlyDeep = await fleetOf(1, offering(schemaOf("depth")));
    const refused = await ask({ fleetId: onlyDeep.fleet, type: "SCAN", parameters: { depth: "deep" } });
    expect([refused.status, refused.json["code"]]).toEqual([422, "invalid_parameters"]);
    expect(refused.json["errors"]).toMatchObject([{ path: "body/parameters/depth" }]);
  });

  test.each([{ "": "a" }, { ["x".repeat(200)]: "a" }, { zone: 5 }, { "a\nb": {} }, "zone=a", [[]]])(
    "refuses labels %j with 400",
    async (labels) => {
      const refused = await ask({ selector: { labels }, command: "uptime" });
      expect([refused.status, refused.json["code"]]).toEqual([400, "invalid_request"]);
    },
  );

  test("with dryRun stores nothing", async () => {
    const { fleet } = await fleetOf(1);
    const before = (await api.call("GET", "/rollouts?limit=500")).json["items"];
    const answer = await ask({ fleetId: fleet, command: "uptime", dryRun: true, idempotencyKey: randomUUID() });
    expect(answer.status).toBe(200);
    expect((await api.call("GET", "/rollouts?limit=500")).json["items"]).toEqual(before);
  });
});

describe("POST /commands with pick", () => {
  test("queues one command, for the least loaded agent that can", async () => {
    const { fleet, agents } = await fleetOf(3);
    const [busy, ...idle] = agents;
    if (busy === undefined) throw new Error("no agent");
    await ask({ agentId: busy.agentId, command: "uptime" });
    await busy.take();
    await driveAgent(api.running.store, "acme", { fleet, draining: true });
    const picked = new Set<unknown>();
    for (let n = 0; n < 2; n++) {
      const answer = await ask({ fleetId: fleet, pick: "one", command: "uptime" });
      const { commandId, agentId } = answer.json;
      expect([answer.status, answer.json]).toEqual([202, { commandId, status: "queued", agentId }]);
      expect(answer.headers.get("location")).toBe(`/commands/${String(commandId)}`);
      const { json } = await api.call("GET", `/commands/${String(commandId)}`);
      expect(json["agentId"]).toBe(agentId);
      expect(json).not.toHaveProperty("rolloutId");
      picked.add(agentId);
    }
    expect(picked).toEqual(new Set(idle.map(({ agentId }) => agentId)));
  });

  test("spreads what comes at once", async () => {
    const { fleet } = await fleetOf(4);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => ask({ fleetId: fleet, pick: "one", command: "uptime" })),
    );
    expect(new Set(answers.map(({ json }) => json["agentId"])).size).toBeGreaterThan(1);
  });

  test("is refused where nobody is there to do it", async () => {
    const { fleet } = await fleetOf(1, { draining: true });
    const refused = await ask({ fleetId: fleet, pick: "one", command: "uptime" });
    expect([refused.status, refused.json["code"]]).toEqual([422, "no_agent_available"]);
    const scan = await ask({ fleetId: (await fleetOf(1)).fleet, pick: "one", type: "SCAN" });
    expect(scan.json["code"]).toBe("no_agent_available");
  });

  test("with dryRun only says who it would be", async () => {
    const { fleet, agents } = await fleetOf(1);
    const dry = await ask({ fleetId: fleet, pick: "one", command: "uptime", dryRun: true });
    expect(dry.json).toEqual({ dryRun: true, targets: 1, unable: 0, agents: [agents[0]?.agentId] });
    const listed = await api.call("GET", `/commands?agentId=${agents[0]?.agentId}`);
    expect(listed.json["items"]).toEqual([]);
  });
});

describe("an idempotency key of a request for many", () => {
  test("gives the same rollout, also when its agents are gone by now", async () => {
    const { fleet, agents } = await fleetOf(2);
    const body = { fleetId: fleet, command: "uptime", idempotencyKey: randomUUID() };
    const first = await ask(body);
    await api.call("POST", `/rollouts/${String(first.json["rolloutId"])}/stop`);
    for (const { agentId } of agents) await api.call("POST", `/agents/${agentId}/revoke`);
    const again = await ask({ ...body, priority: 6 });
    expect([again.status, again.json]).toEqual([202, { ...first.json, status: "stopped" }]);
  });

  test("gives the same command of a pick, also when nobody could be picked any more", async () => {
    const { fleet, agents } = await fleetOf(2);
    const body = { fleetId: fleet, pick: "one", command: "uptime", idempotencyKey: randomUUID() };
    const answers = await Promise.all([ask(body), ask(body), ask(body)]);
    const [first] = answers;
    for (const answer of answers) expect(answer.json).toEqual(first?.json);
    for (const { agentId } of agents) await api.call("POST", `/agents/${agentId}/revoke`);
    expect((await ask(body)).json).toEqual(first?.json);
  });

  test("makes one rollout however many ask at once", async () => {
    const { fleet } = await fleetOf(2);
    const body = { fleetId: fleet, command: "uptime", idempotencyKey: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(body)));
    expect(new Set(answers.map(({ json }) => json["rolloutId"])).size).toBe(1);
  });

  test.each([
    { command: "reboot" },
    { maxErrors: 1 },
    { maxConcurrency: 2 },
    { pick: "one" },
    { fleetId: undefined, selector: { online: true } },
  ])("is refused with 409 for another request: %j", async (change) => {
    const { fleet } = await fleetOf(1);
    const body = { fleetId: fleet, command: "uptime", idempotencyKey: randomUUID() };
    await ask(body);
    const refused = await ask({ ...body, ...change });
    expect([refused.status, refused.json["code"]]).toEqual([409, "idempotency_key_reused"]);
  });

  test("that a command has is refused", async () => {
    const { fleet, agents } = await fleetOf(1);
    const idempotencyKey = randomUUID();
    await ask({ agentId: agents[0]?.agentId, command: "uptime", idempotencyKey });
    const refused = await ask({ fleetId: fleet, command: "uptime", idempotencyKey });
    expect(refused.json["code"]).toBe("idempotency_key_reused");
  });
});

describe("GET /rollouts", () => {
  test("lists a company's, newest first, by state", async () => {
    const { fleet } = await fleetOf(1);
    const first = await started({ fleetId: fleet });
    await api.call("POST", `/rollouts/${first}/stop`);
    const second = await started({ fleetId: fleet });
    const ids = async (query: string) =>
      ((await api.call("GET", `/rollouts?${query}`)).json["items"] as { rolloutId: string }[]).map(
        ({ rolloutId }) => rolloutId,
      );
    expect((await ids("limit=2")).slice(0, 2)).toEqual([second, first]);
    expect((await ids("status=stopped&limit=1"))[0]).toBe(first);
    const page = await api.call("GET", "/rollouts?limit=1");
    const next = await ids(`limit=1&cursor=${encodeURIComponent(String(page.json["nextCursor"]))}`);
    expect(next).toEqual([first]);
    expect((await api.call("GET", "/rollouts", { as: "other" })).json["items"]).toEqual([]);
  });

  test.each(["status=done", "limit=0", "limit=501", "cursor=nope!", "fleet=x"])(
    "refuses ?%s with 400",
    async (query) => {
      expect((await api.call("GET", `/rollouts?${query}`)).status).toBe(400);
    },
  );
});

describe("a rollout that isn't there, or is another company's", () => {
  test.each(["GET ", "GET /results", "GET /groups", "POST /stop", "POST /retry", "GET ?follow=true"])(
    "is answered 404: %s",
    async (route) => {
      const { fleet } = await fleetOf(1);
      const foreign = await started({ fleetId: fleet });
      const [method = "", below = ""] = route.split(" ");
      for (const [id, as] of [
        [randomUUID(), "acme"],
        ["nope", "acme"],
        [foreign, "other"],
      ] as const) {
        const answer = await api.call(method, `/rollouts/${id}${below}`, { as });
        expect([answer.status, answer.json["code"]]).toEqual([404, "rollout_unknown"]);
      }
      expect((await rollout(foreign))["status"]).toBe("running");
    },
  );

  test("can't be changed by who may only read", async () => {
    const rolloutId = await started({ fleetId: (await fleetOf(1)).fleet });
    for (const route of ["stop", "retry"])
      expect((await api.call("POST", `/rollouts/${rolloutId}/${route}`, { as: "reader" })).status).toBe(403);
    expect((await api.call("GET", `/rollouts/${rolloutId}`, { as: "reader" })).status).toBe(200);
  });
});

describe("GET /rollouts/:id?follow=true", () => {
  test("tells the counts as they change, and the end", async () => {
    const { fleet, agents } = await fleetOf(3);
    const rolloutId = await started({ fleetId: fleet });
    const events = await follow(rolloutId);
    const first = await events.next();
    expect(first).toMatchObject({ event: "progress", data: { rolloutId, status: "running", counts: { queued: 3 } } });
    for (const agent of agents) await finish(agent);
    const rest = await events.until("end");
    const end = rest.at(-1)?.data;
    expect(end).toMatchObject({ status: "completed", counts: { completed: 3 }, finishedAt: expect.any(String) });
    const told = rest.slice(0, -1).map(({ data }) => JSON.stringify([data["status"], data["counts"]]));
    expect(new Set(told).size).toBe(told.length);
    expect(rest.at(-2)?.data).toEqual(end);
    expect(await events.next()).toBeNull();
  });

  test("goes on after a halt until what runs has ended", async () => {
    const { fleet, agents } = await fleetOf(2);
    const rolloutId = await started({ fleetId: fleet, maxErrors: 0 });
    const [slow, bad] = agents;
    const run = await slow?.take();
    const events = await follow(rolloutId);
    await finish(bad, { exitCode: 1 });
    for (;;) {
      const event = await events.next();
      expect(event?.event).toBe("progress");
      if (event?.data["status"] === "halted") break;
    }
    if (run !== undefined) await slow?.finish(run);
    const end = (await events.until("end")).at(-1);
    expect(end?.data).toMatchObject({ status: "halted", counts: { completed: 1, failed: 1, assigned: 0 } });
  });

  test("tells who comes late at once how it ended", async () => {
    const rolloutId = await started({ fleetId: (await fleetOf(1)).fleet });
    await api.call("POST", `/rollouts/${rolloutId}/stop`);
    const names = (await (await follow(rolloutId)).until("end")).map(({ event }) => event);
    expect(names).toEqual(["progress", "end"]);
  });

  test("tells many followers the same", async () => {
    const { fleet, agents } = await fleetOf(1);
    const rolloutId = await started({ fleetId: fleet });
    const followers = await Promise.all(Array.from({ length: 20 }, () => follow(rolloutId)));
    for (const events of followers) await events.next();
    await finish(agents[0]);
    const ends = await Promise.all(followers.map(async (events) => (await events.until("end")).at(-1)?.data));
    for (const end of ends) expect(end).toEqual(ends[0]);
  });
});

describe("POST /rollouts/:id/stop", () => {
  test("ends it, and cancels what waits", async () => {
    const { fleet, agents } = await fleetOf(3);
    const rolloutId = await started({ fleetId: fleet, maxConcurrency: 2 });
    const run = await agents[0]?.take();
    const answer = await api.call("POST", `/rollouts/${rolloutId}/stop`, { body: {} });
    expect([answer.status, answer.json["status"]]).toEqual([200, "stopped"]);
    expect(answer.json["counts"]).toMatchObject({ pending: 1, assigned: 1, cancelled: 1 });
    const again = await api.call("POST", `/rollouts/${rolloutId}/stop`);
    expect([again.status, again.json["code"], again.json["details"]]).toEqual([
      409,
      "rollout_ended",
      { status: "stopped" },
    ]);
    const asked = await api.call("POST", `/rollouts/${rolloutId}/stop`, { body: { cancelRunning: true } });
    expect([asked.status, asked.json["status"]]).toEqual([200, "stopped"]);
    const { json } = await api.call("GET", `/commands/${run?.commandId}`);
    expect(json).toMatchObject({ status: "assigned", cancelRequestedAt: expect.any(String) });
  });

  test.each([[{ cancelRunning: "yes" }], [{ force: true }], [[]]])("refuses %j with 400", async (body) => {
    const rolloutId = await started({ fleetId: (await fleetOf(1)).fleet });
    expect((await api.call("POST", `/rollouts/${rolloutId}/stop`, { body })).status).toBe(400);
  });
});

describe("POST /rollouts/:id/retry", () => {
  test("runs it again where it failed or never began, with the same command", async () => {
    const { fleet, agents } = await fleetOf(5);
    const body = { fleetId: fleet, args: ["-p"], maxConcurrency: 4, maxErrors: 3, timeoutSeconds: 9 };
    const rolloutId = await started(body);
    const running = await api.call("POST", `/rollouts/${rolloutId}/retry`);
    expect([running.status, running.json["code"]]).toEqual([409, "rollout_running"]);
    await finish(agents[0]);
    await reaches(rolloutId, { counts: { pending: 0, completed: 1 } });
    await finish(agents[1], { exitCode: 1 });
    await finish(agents[2]);
    const { json: found } = await api.call("GET", `/rollouts/${rolloutId}/results?agentId=${agents[3]?.agentId}`);
    const [cancelled] = found["items"] as { commandId: string }[];
    await api.call("POST", `/commands/${cancelled?.commandId}/cancel`);
    await api.call("POST", `/rollouts/${rolloutId}/stop`);

    const answer = await api.call("POST", `/rollouts/${rolloutId}/retry`);
    const retryId = String(answer.json["rolloutId"]);
    expect([answer.status, answer.json]).toEqual([
      202,
      { rolloutId: retryId, status: "running", targets: 2, unable: 0 },
    ]);
    expect(answer.headers.get("location")).toBe(`/rollouts/${retryId}`);
    expect(await reaches(retryId, { counts: { queued: 2 } })).toMatchObject({
      retryOf: rolloutId,
      command: "uptime",
      args: ["-p"],
      timeoutSeconds: 9,
      maxConcurrency: 4,
      maxErrors: 3,
      selection: { fleetId: fleet },
    });
    const { json } = await api.call("GET", `/rollouts/${retryId}/results`);
    const again = (json["items"] as { agentId: string }[]).map(({ agentId }) => agentId);
    // The one that failed, and the one whose command the stop had cancelled.
    expect(again).toEqual([agents[1]?.agentId, agents[4]?.agentId]);
  });

  test("leaves out who was revoked since, and is refused where nobody is left", async () => {
    const { fleet, agents } = await fleetOf(2);
    const rolloutId = await started({ fleetId: fleet });
    for (const agent of agents) await finish(agent, { exitCode: 1 });
    await reaches(rolloutId, { status: "completed" });
    await api.call("POST", `/agents/${agents[0]?.agentId}/revoke`);
    const answer = await api.call("POST", `/rollouts/${rolloutId}/retry`);
    expect(answer.json).toMatchObject({ targets: 1, unable: 1 });
    await api.call("POST", `/agents/${agents[1]?.agentId}/revoke`);
    const refused = await api.call("POST", `/rollouts/${rolloutId}/retry`);
    expect([refused.status, refused.json["code"], refused.json["details"]]).toEqual([422, "no_targets", { unable: 2 }]);
  });

  test("is refused where all went well", async () => {
    const { fleet, agents } = await fleetOf(1);
    const rolloutId = await started({ fleetId: fleet });
    await finish(agents[0]);
    await reaches(rolloutId, { status: "completed" });
    expect((await api.call("POST", `/rollouts/${rolloutId}/retry`)).json["code"]).toBe("no_targets");
  });

  test("under the same key makes one rollout", async () => {
    const { fleet, agents } = await fleetOf(1);
    const rolloutId = await started({ fleetId: fleet });
    await finish(agents[0], { exitCode: 1 });
    await reaches(rolloutId, { status: "completed" });
    const body = { idempotencyKey: randomUUID() };
    const retry = () => api.call("POST", `/rollouts/${rolloutId}/retry`, { body });
    expect((await retry()).json).toEqual((await retry()).json);
  });
});

describe("GET /rollouts/:id/results and /groups", () => {
  test("show each command with its output, filtered by state, exit code, agent and text", async () => {
    const { agents, results, found } = await mixed();
    expect(await found("")).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await results("")).items.map(({ output }) => output)).toEqual([
      ...Array<string>(4).fill("same\n"),
      "héllo wörld",
      undefined,
    ]);
    expect(await found("status=failed&status=assigned")).toEqual([3, 5]);
    expect(await found("exitCode=4")).toEqual([3]);
    expect(await found(`agentId=${agents[2]?.agentId}`)).toEqual([2]);
    expect(await found(`text=${encodeURIComponent("wör")}`)).toEqual([4]);
    expect(await found("text=same&status=completed")).toEqual([0, 1, 2]);
    expect(await found("text=ello&outputBytes=3")).toEqual([]);
    const first = await results("text=same&limit=3");
    expect(first.items).toHaveLength(3);
    const rest = await results(`text=same&limit=3&cursor=${encodeURIComponent(first.nextCursor ?? "")}`);
    expect(rest.items.map(({ agentId }) => agentId)).toEqual([agents[3]?.agentId]);
    expect(rest.nextCursor).toBeNull();
  });

  test("put equal ends together, the largest group first", async () => {
    const { rolloutId, agents } = await mixed();
    const answer = await api.call("GET", `/rollouts/${rolloutId}/groups`);
    const ids = agents.map(({ agentId }) => agentId);
    const ended = { error: null, outputBytes: 5, output: "same\n" };
    expect(JSON.parse(answer.text)).toEqual([
      { status: "completed", exitCode: 0, count: 3, ...ended, agents: ids.slice(0, 3) },
      { status: "failed", exitCode: 4, count: 1, ...ended, agents: [ids[3]] },
      {
        status: "completed",
        exitCode: 0,
        count: 1,
        ...ended,
        outputBytes: expect.any(Number),
        output: "héllo wörld",
        agents: [ids[4]],
      },
    ]);
  });

  test.each(["status=done", "exitCode=x", "limit=501", "text=", "outputBytes=65537", "agentId=-x", "cursor=nope!"])(
    "refuse ?%s with 400",
    async (query) => {
      const rolloutId = await started({ fleetId: (await fleetOf(1)).fleet });
      expect((await api.call("GET", `/rollouts/${rolloutId}/results?${query}`)).status).toBe(400);
    },
  );
});

test("metrics count rollouts and their commands", async () => {
  const value = async (name: string) => {
    const { text } = await api.call("GET", "/metrics");
    return Number(new RegExp(`^${name.replaceAll(/[{}"]/g, "\\$&")} (\\d+)$`, "m").exec(text)?.[1]);
  };
  const names = {
    started: 'rollouts_started_total{service="command-server"}',
    stopped: 'rollouts_ended_total{status="stopped",service="command-server"}',
    queued: 'commands_queued_total{type="SHELL",service="command-server"}',
    cancelled: 'commands_finished_total{status="cancelled",service="command-server"}',
  };
  const before = await Promise.all(Object.values(names).map(value));
  const rolloutId = await started({ fleetId: (await fleetOf(3)).fleet });
  await api.call("POST", `/rollouts/${rolloutId}/stop`);
  const after = await Promise.all(Object.values(names).map(value));
  expect(after.map((count, n) => count - (before[n] ?? 0))).toEqual([1, 1, 3, 3]);
});
