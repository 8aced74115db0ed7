import { randomUUID } from "node:crypto";
import { Metadata, credentials, status, type ServiceError } from "@grpc/grpc-js";
import { RolloutService, type RolloutServiceClient, type WatchRolloutResponse } from "@fleetwire/proto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { driveAgent, type DrivenAgent } from "./driven-agent.ts";

let api: ApiServer;
let grpc: RolloutServiceClient;

beforeAll(async () => {
  api = await startApiServer();
  grpc = new RolloutService(api.running.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  grpc.close();
  await api.close();
});

type Method = "startRollout" | "getRollout" | "listRollouts" | "stopRollout" | "retryRollout" | "listRolloutResults";

/** Resolves to the response, or to how it failed. */
function call(method: Method, request: object, metadata = api.metadata()): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const answer = (error: ServiceError | null, response?: object) =>
      resolve(
        error
          ? { error: status[error.code], code: error.metadata.get("fleetwire-code")[0], details: error.details }
          : { ...response },
      );
    const calls = {
      startRollout: () => grpc.startRollout(request, metadata, answer),
      getRollout: () => grpc.getRollout(request, metadata, answer),
      listRollouts: () => grpc.listRollouts(request, metadata, answer),
      stopRollout: () => grpc.stopRollout(request, metadata, answer),
      retryRollout: () => grpc.retryRollout(request, metadata, answer),
      listRolloutResults: () => grpc.listRolloutResults(request, metadata, answer),
    };
    calls[method]();
  });
}

/** Agents that no other test's selector finds, and the selector that finds them. */
async function agents(count: number): Promise<{ driven: DrivenAgent[]; selector: { labels: Record<string, string> } }> {
  const labels = { test: randomUUID() };
  const driven = [];
  for (let each = 0; each < count; each += 1) driven.push(await driveAgent(api.running.store, "acme", { labels }));
  return { driven, selector: { labels } };
}

async function started(request: object): Promise<string> {
  const answer = await call("startRollout", { command: "uptime", ...request });
  expect(answer).toMatchObject({ outcome: "started" });
  return (answer as { started: { rolloutId: string } }).started.rolloutId;
}

/** All messages of a watch; `until` resolves with the first that it is true of. */
function watch(rolloutId: string, metadata = api.metadata()) {
  const messages: WatchRolloutResponse[] = [];
  const call = grpc.watchRollout({ rolloutId }, metadata);
  const waiting = new Set<() => void>();
  call.on("data", (message: WatchRolloutResponse) => {
    messages.push(message);
    for (const look of waiting) look();
  });
  const all = new Promise<WatchRolloutResponse[]>((resolve, reject) => {
    call.on("error", reject);
    call.on("end", () => resolve(messages));
  });
  const until = (isMeant: (message: WatchRolloutResponse) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (messages.some(isMeant)) resolve();
      };
      waiting.add(look);
      look();
    });
  return { all, until, cancel: () => call.cancel() };
}

/** Has each agent run what waits for it. */
async function finish(rolloutId: string, driven: readonly DrivenAgent[], exitCodes: readonly number[]): Promise<void> {
  const watched = watch(rolloutId);
  await watched.until(({ counts }) => counts?.queued === driven.length);
  for (const [index, agent] of driven.entries()) {
    const run = await agent.take();
    await agent.start(run);
    await agent.print(run, 0, `from ${agent.agentId}\n`);
    await agent.finish(run, { exitCode: exitCodes[index] ?? 0, outputBytes: 6 + agent.agentId.length });
  }
  await watched.all;
}

describe("RolloutService", () => {
  test("starts a rollout, tells how far it is to its end, and what came out", async () => {
    const { driven, selector } = await agents(3);
    const rolloutId = await started({
      selector,
      args: { values: ["-p"] },
      maxErrors: 0,
      maxConcurrency: 3,
      priority: 0,
    });
    const watched = watch(rolloutId);
    await watched.until(({ counts }) => counts?.queued === 3);
    await finish(rolloutId, driven, [0, 0, 0]);
    const messages = await watched.all;
    expect(messages[0]).toMatchObject({ status: "ROLLOUT_STATUS_RUNNING", settled: false, finishedAt: null });
    expect(messages.map(({ settled }) => settled).indexOf(true)).toBe(messages.length - 1);
    expect(messages.at(-1)).toMatchObject({
      status: "ROLLOUT_STATUS_COMPLETED",
      counts: { targets: 3, completed: 3, queued: 0, assigned: 0, errors: 0 },
      finishedAt: { seconds: expect.any(Number) as number },
    });
    expect((await call("getRollout", { rolloutId }))["rollout"]).toMatchObject({
      rolloutId,
      status: "ROLLOUT_STATUS_COMPLETED",
      selector,
      type: "SHELL",
      command: "uptime",
      args: { values: ["-p"] },
      parametersJson: "{}",
      priority: 0,
      maxErrors: 0,
      maxConcurrency: 3,
      unable: 0,
      retryOf: "",
      createdBy: "operator:ann",
    });
    const [first] = driven;
    expect(await call("listRolloutResults", { rolloutId, agentId: first?.agentId })).toMatchObject({
      results: [
        {
          command: { agentId: first?.agentId, rolloutId, status: "COMMAND_STATUS_COMPLETED", result: { exitCode: 0 } },
          output: Buffer.from(`from ${first?.agentId}\n`),
        },
      ],
      nextCursor: "",
    });
  });

  test("a dry run says whom it would reach and starts nothing", async () => {
    const { driven, selector } = await agents(2);
    const { selector: others } = await agents(1);
    const answer = await call("startRollout", { selector, command: "uptime", dryRun: true });
    expect(answer).toMatchObject({ outcome: "dryRun", dryRun: { targets: 2, unable: 0 } });
    const { agentIds } = (answer as { dryRun: { agentIds: string[] } }).dryRun;
    expect(agentIds.toSorted()).toEqual(driven.map(({ agentId }) => agentId).toSorted());
    const unable = { selector: others, type: "MY_PLUGIN", dryRun: true };
    expect(await call("startRollout", unable)).toMatchObject({ error: "FAILED_PRECONDITION", code: "no_targets" });
    expect(JSON.stringify(await call("listRollouts", { limit: 500 }))).not.toContain(selector.labels["test"]);
  });

  test("a pick is one command, for one of them", async () => {
    const { driven, selector } = await agents(2);
    const answer = await call("startRollout", { selector, command: "uptime", pick: "ROLLOUT_PICK_ONE" });
    expect(answer).toMatchObject({ outcome: "picked", picked: { status: "COMMAND_STATUS_QUEUED" } });
    const { agentId, commandId } = (answer as { picked: { agentId: string; commandId: string } }).picked;
    expect(driven.map((agent) => agent.agentId)).toContain(agentId);
    const shown = await api.call("GET", `/commands/${commandId}`);
    expect([shown.json["agentId"], shown.json["rolloutId"]]).toEqual([agentId, undefined]);
  });

  test("knows an idempotency key that came over HTTP, and starts it once", async () => {
    const { selector } = await agents(1);
    const idempotencyKey = randomUUID();
    const overHttp = await api.call("POST", "/commands", { body: { selector, command: "uptime", idempotencyKey } });
    expect(await started({ selector, idempotencyKey })).toBe(overHttp.json["rolloutId"]);
    expect(await call("startRollout", { selector, command: "reboot", idempotencyKey })).toMatchObject({
      error: "ALREADY_EXISTS",
      code: "idempotency_key_reused",
    });
  });

  test("stops a rollout once; what its agents run ends with cancel_running", async () => {
    const { driven, selector } = await agents(2);
    const rolloutId = await started({ selector });
    const watched = watch(rolloutId);
    await watched.until(({ counts }) => counts?.queued === 2);
    expect(await call("retryRollout", { rolloutId })).toMatchObject({ code: "rollout_running" });
    const run = await driven[0]?.take();
    if (run) await driven[0]?.start(run);
    expect((await call("stopRollout", { rolloutId, cancelRunning: true }))["rollout"]).toMatchObject({
      status: "ROLLOUT_STATUS_STOPPED",
      counts: { cancelled: 1, assigned: 1 },
    });
    if (run) await driven[0]?.finish(run, { exitCode: 1 });
    expect((await watched.all).at(-1)).toMatchObject({ status: "ROLLOUT_STATUS_STOPPED", settled: true });
    expect(await call("stopRollout", { rolloutId })).toMatchObject({ code: "rollout_ended", error: "ALREADY_EXISTS" });
  });

  test("retries where it failed, once for each idempotency key", async () => {
    const { driven, selector } = await agents(2);
    const rolloutId = await started({ selector });
    await finish(rolloutId, driven, [0, 3]);
    const failed = { rolloutId, statuses: ["COMMAND_STATUS_FAILED"], exitCode: 3, text: "from" };
    const { results } = (await call("listRolloutResults", failed)) as { results: { command: { agentId: string } }[] };
    const idempotencyKey = randomUUID();
    const answer = await call("retryRollout", { rolloutId, idempotencyKey });
    expect(answer).toMatchObject({ started: { status: "ROLLOUT_STATUS_RUNNING", targets: 1, unable: 0 } });
    expect(await call("retryRollout", { rolloutId, idempotencyKey })).toEqual(answer);
    const again = (answer as { started: { rolloutId: string } }).started.rolloutId;
    expect((await call("getRollout", { rolloutId: again }))["rollout"]).toMatchObject({ retryOf: rolloutId });
    const retried = driven.filter(({ agentId }) => agentId === results[0]?.command.agentId);
    expect(retried).toHaveLength(1);
    await finish(again, retried, [0]);
    expect(await call("retryRollout", { rolloutId: again })).toMatchObject({ code: "no_targets" });
  });

  test("lists the newest first, by status, page by page", async () => {
    const { selector } = await agents(1);
    const ids = [await started({ selector }), await started({ selector })];
    await call("stopRollout", { rolloutId: ids[0] });
    type Page = { rollouts: { rolloutId: string }[]; nextCursor: string };
    const first = (await call("listRollouts", { statuses: ["ROLLOUT_STATUS_RUNNING"], limit: 1 })) as Page;
    expect(first.rollouts.map(({ rolloutId }) => rolloutId)).toEqual([ids[1]]);
    const whole = (await call("listRollouts", { limit: 1 })) as Page;
    const next = (await call("listRollouts", { limit: 1, cursor: whole.nextCursor })) as Page;
    expect([...whole.rollouts, ...next.rollouts].map(({ rolloutId }) => rolloutId)).toEqual(ids.toReversed());
  });

  test("a page that would be too large for a message holds fewer, and its cursor loses none", async () => {
    const { selector } = await agents(1);
    const big = { selector, type: "SHELL", command: `: ${"x".repeat(120_000)}` };
    const ids = new Set<string>();
    for (let each = 0; each < 40; each += 1) ids.add(await started(big));
    const seen = new Set<string>();
    let pages = 0;
    for (let cursor: string | null = null; cursor !== ""; pages += 1) {
      const page: Record<string, unknown> = await call("listRollouts", { limit: 500, ...(cursor ? { cursor } : {}) });
      const { rollouts, nextCursor } = page as { rollouts: { rolloutId: string }[]; nextCursor: string };
      for (const { rolloutId } of rollouts) seen.add(rolloutId);
      cursor = nextCursor;
    }
    expect(pages).toBeGreaterThan(1);
    expect([...ids].filter((id) => !seen.has(id))).toEqual([]);
  });
});

describe("bad input", () => {
  const selector = { labels: { no: "such" } };

  test.each<[string, object, string, string]>([
    ["no selector", { selector: null }, "INVALID_ARGUMENT", "invalid_request"],
    ["nobody", {}, "FAILED_PRECONDITION", "no_targets"],
    ["a pick of nobody", { pick: "ROLLOUT_PICK_ONE" }, "FAILED_PRECONDITION", "no_agent_available"],
    ["a pick that isn't known", { pick: 99 }, "INVALID_ARGUMENT", "invalid_request"],
    ["a pick with a bound", { pick: 1, maxConcurrency: 1 }, "INVALID_ARGUMENT", "invalid_request"],
    ["too much at a time", { maxConcurrency: 4_294_967_295 }, "INVALID_ARGUMENT", "invalid_request"],
    ["too many errors", { maxErrors: 4_294_967_295 }, "INVALID_ARGUMENT", "invalid_request"],
    ["parameters that aren't JSON", { parametersJson: "{" }, "INVALID_ARGUMENT", "invalid_request"],
    ["NUL in a label", { selector: { labels: { a: "\0" } } }, "INVALID_ARGUMENT", "invalid_request"],
    ["a capability that is no type", { selector: { capabilities: ["a b"] } }, "INVALID_ARGUMENT", "invalid_request"],
    [
      "seventeen labels",
      { selector: { labels: Object.fromEntries(Array.from({ length: 17 }, (_, each) => [`l${each}`, "x"])) } },
      "INVALID_ARGUMENT",
      "invalid_request",
    ],
    [
      "a label __proto__",
      { selector: { labels: JSON.parse('{"__proto__":"x"}') as object } },
      "INVALID_ARGUMENT",
      "invalid_request",
    ],
  ])("StartRollout refuses %s", async (_what, change, error, code) => {
    expect(await call("startRollout", { selector, command: "uptime", ...change })).toMatchObject({ error, code });
  });

  test.each<[string, Method, object, string]>([
    ["a rollout that isn't there", "getRollout", { rolloutId: randomUUID() }, "rollout_unknown"],
    ["no id", "getRollout", { rolloutId: "" }, "rollout_unknown"],
    ["an id that can be none", "getRollout", { rolloutId: "x\0'; drop table" }, "rollout_unknown"],
    ["a rollout that isn't there", "stopRollout", { rolloutId: randomUUID() }, "rollout_unknown"],
    ["a rollout that isn't there", "retryRollout", { rolloutId: randomUUID() }, "rollout_unknown"],
    ["an idempotency key with NUL", "retryRollout", { idempotencyKey: "a\0" }, "invalid_request"],
    ["a long idempotency key", "retryRollout", { idempotencyKey: "k".repeat(256) }, "invalid_request"],
    ["a rollout that isn't there", "listRolloutResults", { rolloutId: randomUUID() }, "rollout_unknown"],
    ["too much of each output", "listRolloutResults", { outputBytes: 65_537 }, "invalid_request"],
    ["a long text", "listRolloutResults", { text: "x".repeat(1025) }, "invalid_request"],
    ["the unspecified status", "listRolloutResults", { statuses: [0] }, "invalid_request"],
    ["an agent's id that can be none", "listRolloutResults", { agentId: "-x" }, "invalid_request"],
    ["too many", "listRollouts", { limit: 501 }, "invalid_request"],
    ["a status that isn't known", "listRollouts", { statuses: [99] }, "invalid_request"],
    ["a cursor that isn't ours", "listRollouts", { cursor: "nope!" }, "invalid_cursor"],
    ["a long cursor", "listRollouts", { cursor: "x".repeat(513) }, "invalid_request"],
  ])("%s is refused by %s", async (_what, method, request, code) => {
    expect(await call(method, request)).toMatchObject({ code });
  });
});

describe("who calls", () => {
  test.each<[string, () => Metadata, string]>([
    ["nobody", () => new Metadata(), "UNAUTHENTICATED"],
    ["one who may only read", () => api.metadata("reader"), "PERMISSION_DENIED"],
  ])("%s may not start, stop or retry", async (_what, metadata, error) => {
    for (const method of ["startRollout", "stopRollout", "retryRollout"] as const) {
      expect(await call(method, {}, metadata())).toMatchObject({ error });
    }
  });

  test("nobody may read or watch", async () => {
    for (const method of ["getRollout", "listRollouts", "listRolloutResults"] as const) {
      expect(await call(method, {}, new Metadata())).toMatchObject({ error: "UNAUTHENTICATED" });
    }
    await expect(watch("x", new Metadata()).all).rejects.toThrow(/UNAUTHENTICATED/);
  });

  test("another company sees nothing of ours, on any call, and reaches none of our agents", async () => {
    const { selector } = await agents(1);
    const rolloutId = await started({ selector });
    const metadata = api.metadata("other");
    for (const method of ["getRollout", "stopRollout", "retryRollout", "listRolloutResults"] as const) {
      expect(await call(method, { rolloutId }, metadata)).toMatchObject({
        error: "NOT_FOUND",
        code: "rollout_unknown",
      });
    }
    await expect(watch(rolloutId, metadata).all).rejects.toThrow(/NOT_FOUND/);
    expect(await call("listRollouts", {}, metadata)).toMatchObject({ rollouts: [] });
    const reach = { selector: {}, command: "uptime", dryRun: true };
    expect(await call("startRollout", reach, metadata)).toMatchObject({ code: "no_targets" });
    expect((await call("getRollout", { rolloutId }))["rollout"]).toMatchObject({ status: "ROLLOUT_STATUS_RUNNING" });
  });
});

describe("WatchRollout", () => {
  test("of a rollout that has ended is one message", async () => {
    const { selector } = await agents(1);
    const rolloutId = await started({ selector });
    await call("stopRollout", { rolloutId });
    expect(await watch(rolloutId).all).toMatchObject([{ status: "ROLLOUT_STATUS_STOPPED", settled: true }]);
  });

  test("lets go of its stream when the caller leaves", async () => {
    const { selector } = await agents(1);
    const watched = watch(await started({ selector }));
    await watched.until(({ counts }) => counts?.queued === 1);
    watched.cancel();
    await expect(watched.all).rejects.toThrow(/CANCELLED/);
    await expect.poll(async () => (await api.call("GET", "/metrics")).text).toMatch(/^command_followers\{.*\} 0$/m);
  });
});
