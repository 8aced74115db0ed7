import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { finish, useRolloutRig } from "./rollout-rig.ts";

const rig = useRolloutRig();
const { fleetOf, rollout, reaches, started, follow, mixed } = rig;

describe("GET /rollouts", () => {
  test("lists a company's, newest first, by state", async () => {
    const { fleet } = await fleetOf(1);
    const first = await started({ fleetId: fleet });
    await rig.api.call("POST", `/rollouts/${first}/stop`);
    const second = await started({ fleetId: fleet });
    const ids = async (query: string) =>
      ((await rig.api.call("GET", `/rollouts?${query}`)).json["items"] as { rolloutId: string }[]).map(
        ({ rolloutId }) => rolloutId,
      );
    expect((await ids("limit=2")).slice(0, 2)).toEqual([second, first]);
    expect((await ids("status=stopped&limit=1"))[0]).toBe(first);
    const page = await rig.api.call("GET", "/rollouts?limit=1");
    const next = await ids(`limit=1&cursor=${encodeURIComponent(String(page.json["nextCursor"]))}`);
    expect(next).toEqual([first]);
    expect((await rig.api.call("GET", "/rollouts", { as: "other" })).json["items"]).toEqual([]);
  });

  test.each(["status=done", "limit=0", "limit=501", "cursor=nope!", "fleet=x"])(
    "refuses ?%s with 400",
    async (query) => {
      expect((await rig.api.call("GET", `/rollouts?${query}`)).status).toBe(400);
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
        const answer = await rig.api.call(method, `/rollouts/${id}${below}`, { as });
        expect([answer.status, answer.json["code"]]).toEqual([404, "rollout_unknown"]);
      }
      expect((await rollout(foreign))["status"]).toBe("running");
    },
  );

  test("can't be changed by who may only read", async () => {
    const rolloutId = await started({ fleetId: (await fleetOf(1)).fleet });
    for (const route of ["stop", "retry"])
      expect((await rig.api.call("POST", `/rollouts/${rolloutId}/${route}`, { as: "reader" })).status).toBe(403);
    expect((await rig.api.call("GET", `/rollouts/${rolloutId}`, { as: "reader" })).status).toBe(200);
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
    await rig.api.call("POST", `/rollouts/${rolloutId}/stop`);
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
    const answer = await rig.api.call("POST", `/rollouts/${rolloutId}/stop`, { body: {} });
    expect([answer.status, answer.json["status"]]).toEqual([200, "stopped"]);
    expect(answer.json["counts"]).toMatchObject({ pending: 1, assigned: 1, cancelled: 1 });
    const again = await rig.api.call("POST", `/rollouts/${rolloutId}/stop`);
    expect([again.status, again.json["code"], again.json["details"]]).toEqual([
      409,
      "rollout_ended",
      { status: "stopped" },
    ]);
    const asked = await rig.api.call("POST", `/rollouts/${rolloutId}/stop`, { body: { cancelRunning: true } });
    expect([asked.status, asked.json["status"]]).toEqual([200, "stopped"]);
    const { json } = await rig.api.call("GET", `/commands/${run?.commandId}`);
    expect(json).toMatchObject({ status: "assigned", cancelRequestedAt: expect.any(String) });
  });

  test.each([[{ cancelRunning: "yes" }], [{ force: true }], [[]]])("refuses %j with 400", async (body) => {
    const rolloutId = await started({ fleetId: (await fleetOf(1)).fleet });
    expect((await rig.api.call("POST", `/rollouts/${rolloutId}/stop`, { body })).status).toBe(400);
  });
});

describe("POST /rollouts/:id/retry", () => {
  test("runs it again where it failed or never began, with the same command", async () => {
    const { fleet, agents } = await fleetOf(5);
    const body = { fleetId: fleet, args: ["-p"], maxConcurrency: 4, maxErrors: 3, timeoutSeconds: 9 };
    const rolloutId = await started(body);
    const running = await rig.api.call("POST", `/rollouts/${rolloutId}/retry`);
    expect([running.status, running.json["code"]]).toEqual([409, "rollout_running"]);
    await finish(agents[0]);
    await reaches(rolloutId, { counts: { pending: 0, completed: 1 } });
    await finish(agents[1], { exitCode: 1 });
    await finish(agents[2]);
    const { json: found } = await rig.api.call("GET", `/rollouts/${rolloutId}/results?agentId=${agents[3]?.agentId}`);
    const [cancelled] = found["items"] as { commandId: string }[];
    await rig.api.call("POST", `/commands/${cancelled?.commandId}/cancel`);
    await rig.api.call("POST", `/rollouts/${rolloutId}/stop`);

    const answer = await rig.api.call("POST", `/rollouts/${rolloutId}/retry`);
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
    const { json } = await rig.api.call("GET", `/rollouts/${retryId}/results`);
    const again = (json["items"] as { agentId: string }[]).map(({ agentId }) => agentId);
    // The one that failed, and the one whose command the stop had cancelled.
    expect(again).toEqual([agents[1]?.agentId, agents[4]?.agentId]);
  });

  test("leaves out who was revoked since, and is refused where nobody is left", async () => {
    const { fleet, agents } = await fleetOf(2);
    const rolloutId = await started({ fleetId: fleet });
    for (const agent of agents) await finish(agent, { exitCode: 1 });
    await reaches(rolloutId, { status: "completed" });
    await rig.api.call("POST", `/agents/${agents[0]?.agentId}/revoke`);
    const answer = await rig.api.call("POST", `/rollouts/${rolloutId}/retry`);
    expect(answer.json).toMatchObject({ targets: 1, unable: 1 });
    await rig.api.call("POST", `/agents/${agents[1]?.agentId}/revoke`);
    const refused = await rig.api.call("POST", `/rollouts/${rolloutId}/retry`);
    expect([refused.status, refused.json["code"], refused.json["details"]]).toEqual([422, "no_targets", { unable: 2 }]);
  });

  test("is refused where all went well", async () => {
    const { fleet, agents } = await fleetOf(1);
    const rolloutId = await started({ fleetId: fleet });
    await finish(agents[0]);
    await reaches(rolloutId, { status: "completed" });
    expect((await rig.api.call("POST", `/rollouts/${rolloutId}/retry`)).json["code"]).toBe("no_targets");
  });

  test("under the same key makes one rollout", async () => {
    const { fleet, agents } = await fleetOf(1);
    const rolloutId = await started({ fleetId: fleet });
    await finish(agents[0], { exitCode: 1 });
    await reaches(rolloutId, { status: "completed" });
    const body = { idempotencyKey: randomUUID() };
    const retry = () => rig.api.call("POST", `/rollouts/${rolloutId}/retry`, { body });
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
    const answer = await rig.api.call("GET", `/rollouts/${rolloutId}/groups`);
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
      expect((await rig.api.call("GET", `/rollouts/${rolloutId}/results?${query}`)).status).toBe(400);
    },
  );
});

test("metrics count rollouts and their commands", async () => {
  const value = async (name: string) => {
    const { text } = await rig.api.call("GET", "/metrics");
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
  await rig.api.call("POST", `/rollouts/${rolloutId}/stop`);
  const after = await Promise.all(Object.values(names).map(value));
  expect(after.map((count, n) => count - (before[n] ?? 0))).toEqual([1, 1, 3, 3]);
});
