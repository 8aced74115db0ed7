import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { driveAgent, enrolAgent } from "./driven-agent.ts";
import { finish, schemaOf, useRolloutRig } from "./rollout-rig.ts";

const rig = useRolloutRig();
const { ask, fleetOf, reaches, started, targetsOf } = rig;

/** A profile of who announces the plug-in. */
const offering = (parametersSchema: ReturnType<typeof schemaOf> | null) => ({
  types: [{ type: "SCAN", parametersSchema }],
});

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
    const listed = await rig.api.call("GET", `/commands?agentId=${agents[0]?.agentId}`);
    expect(listed.json["items"]).toMatchObject([{ rolloutId, status: "completed", timeoutSeconds: 7 }]);
    const said = rig.api.log.map((line) => JSON.parse(line) as Record<string, unknown>);
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
    const draining = await driveAgent(rig.api.running.store, "acme", { fleet, draining: true });
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
    await driveAgent(rig.api.running.store, "acme", { fleet, labels: { zone: "b" } });
    const [first, second] = agents.map(({ agentId }) => agentId);
    expect(await targetsOf({ fleet, labels: { zone: "a" } })).toEqual({
      dryRun: true,
      targets: 2,
      unable: 0,
      agents: [first, second],
    });
    expect(await targetsOf({ fleet })).toMatchObject({ targets: 3 });
    expect(await targetsOf({ fleet, labels: { zone: "a", arch: "x86" } })).toMatchObject({ code: "no_targets" });
    await rig.api.call("POST", `/agents/${first}/revoke`);
    expect(await targetsOf({ fleet, labels: { zone: "a" } })).toMatchObject({ agents: [second] });
    const id = await enrolAgent(rig.api.running.store, "other");
    const all = (await ask({ selector: {}, command: "uptime", dryRun: true }, "other")).json;
    expect(all).toMatchObject({ agents: [id] });
    const online = await ask({ selector: { online: true }, command: "uptime", dryRun: true }, "other");
    expect(online.json["code"]).toBe("no_targets");
  });

  test("of a plug-in's type takes who announced it with parameters of this shape, and counts the others", async () => {
    const { fleet, agents } = await fleetOf(2, offering(schemaOf("depth")));
    const free = await driveAgent(rig.api.running.store, "acme", { fleet, ...offering(null) });
    await driveAgent(rig.api.running.store, "acme", { fleet, ...offering(schemaOf("height")) });
    await driveAgent(rig.api.running.store, "acme", { fleet });
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
    const before = (await rig.api.call("GET", "/rollouts?limit=500")).json["items"];
    const answer = await ask({ fleetId: fleet, command: "uptime", dryRun: true, idempotencyKey: randomUUID() });
    expect(answer.status).toBe(200);
    expect((await rig.api.call("GET", "/rollouts?limit=500")).json["items"]).toEqual(before);
  });
});

describe("POST /commands with pick", () => {
  test("queues one command, for the least loaded agent that can", async () => {
    const { fleet, agents } = await fleetOf(3);
    const [busy, ...idle] = agents;
    if (busy === undefined) throw new Error("no agent");
    await ask({ agentId: busy.agentId, command: "uptime" });
    await busy.take();
    await driveAgent(rig.api.running.store, "acme", { fleet, draining: true });
    const picked = new Set<unknown>();
    for (let n = 0; n < 2; n++) {
      const answer = await ask({ fleetId: fleet, pick: "one", command: "uptime" });
      const { commandId, agentId } = answer.json;
      expect([answer.status, answer.json]).toEqual([202, { commandId, status: "queued", agentId }]);
      expect(answer.headers.get("location")).toBe(`/commands/${String(commandId)}`);
      const { json } = await rig.api.call("GET", `/commands/${String(commandId)}`);
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
    const listed = await rig.api.call("GET", `/commands?agentId=${agents[0]?.agentId}`);
    expect(listed.json["items"]).toEqual([]);
  });
});

describe("an idempotency key of a request for many", () => {
  test("gives the same rollout, also when its agents are gone by now", async () => {
    const { fleet, agents } = await fleetOf(2);
    const body = { fleetId: fleet, command: "uptime", idempotencyKey: randomUUID() };
    const first = await ask(body);
    await rig.api.call("POST", `/rollouts/${String(first.json["rolloutId"])}/stop`);
    for (const { agentId } of agents) await rig.api.call("POST", `/agents/${agentId}/revoke`);
    const again = await ask({ ...body, priority: 6 });
    expect([again.status, again.json]).toEqual([202, { ...first.json, status: "stopped" }]);
  });

  test("gives the same command of a pick, also when nobody could be picked any more", async () => {
    const { fleet, agents } = await fleetOf(2);
    const body = { fleetId: fleet, pick: "one", command: "uptime", idempotencyKey: randomUUID() };
    const answers = await Promise.all([ask(body), ask(body), ask(body)]);
    const [first] = answers;
    for (const answer of answers) expect(answer.json).toEqual(first?.json);
    for (const { agentId } of agents) await rig.api.call("POST", `/agents/${agentId}/revoke`);
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
