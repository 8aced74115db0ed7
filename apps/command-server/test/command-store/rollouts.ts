import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import type { CommandStatus } from "../../src/commands/command.ts";
import { maxTargets } from "../../src/rollouts/target-request.ts";
import { fresh, keyOf, useStore, type OpenStore } from "./fixture.ts";
import { enrolMany, newRollout, rollOut } from "./rollout-fixture.ts";

const failed = { exitCode: 1 };

/** What `make` made by a deadline that it is given: another try with four times as long where a slow machine was late. */
async function inTime<T>(withinMs: number, make: (deadline: Date) => Promise<T>): Promise<T> {
  const deadline = new Date(Date.now() + withinMs);
  const made = await make(deadline).catch((error: unknown) => {
    if (Date.now() < deadline.getTime()) throw error;
    return null;
  });
  return made !== null && Date.now() < deadline.getTime() ? made : inTime(4 * withinMs, make);
}

export function describeRollouts(open: OpenStore): void {
  describe("a rollout", () => {
    const under = useStore(open, { startGraceMs: 1, timeoutGraceMs: 1 });

    it("is stored as it was given, running, with nothing queued", async () => {
      const agents = await enrolMany(under.store, 3, { connect: false });
      const expiresAt = new Date(Date.now() + 60_000);
      const over = { expiresAt, maxConcurrency: 2, maxErrors: 1, unable: 4, retryOf: uuidv7() };
      const rollout = await rollOut(under.store, agents, { ...over, selection: { selector: { labels: { a: "😀" } } } });
      const stored = await rollout.now();
      expect(stored).toMatchObject({
        rolloutId: rollout.rolloutId,
        companyId: rollout.companyId,
        status: "running",
        template: { type: "SHELL", command: "uptime", timeoutMs: 60_000, priority: 6, retry: null },
        ...over,
        selection: { selector: { labels: { a: "😀" } } },
        createdBy: "operator:test",
        finishedAt: null,
      });
      expect(stored.createdAt).toBeInstanceOf(Date);
      expect(stored.counts).toEqual(counts({ targets: 3, pending: 3 }));
      expect(await under.store.get(rollout.companyId, rollout.commandIds[0] ?? "")).toBeNull();
    });

    it("takes as many targets as a request may have", async () => {
      const agentIds = Array.from({ length: maxTargets }, (_, n) => `${fresh("many")}-${n}`);
      const rollout = newRollout(fresh("company"), agentIds);
      expect(await under.store.createRollout(rollout)).toEqual({ kind: "created" });
      const stored = await under.store.getRollout(rollout.companyId, rollout.rolloutId);
      expect(stored?.counts).toEqual(counts({ targets: maxTargets, pending: maxTargets }));
      await under.store.stopRollout(rollout.companyId, rollout.rolloutId, { cancelRunning: false });
    });

    it("makes each command of its template, as if it had been queued by itself", async () => {
      const [agent] = await enrolMany(under.store, 1);
      if (agent === undefined) throw new Error("no agent");
      const from = await under.store.feedEnd();
      const woken: string[] = [];
      const off = under.store.onSignal({
        wake: (agentIds) => void woken.push(...agentIds),
        cancel: () => {},
        stop: () => {},
        drop: () => {},
      });
      const template = {
        ...newRollout("", []).template,
        command: "ls",
        args: ["-a", ""],
        parameters: { deep: [{ a: null, b: 1.5, c: "😀" }] },
        timeoutMs: 5_000,
        priority: 9,
        idempotent: true,
        retry: { maxAttempts: 3, on: ["timeout" as const] },
      };
      const rollout = await rollOut(under.store, [agent], { template });
      await rollout.advance();
      const command = await agent.command(rollout.commandIds[0] ?? "");
      const { lane: _lane, traceparent: _traceparent, ...shown } = template;
      expect(command).toMatchObject({ ...shown, agentId: agent.agentId, rolloutId: rollout.rolloutId });
      expect(command).toMatchObject({ status: "queued", attempt: 1, revision: 1, result: null });
      expect(command.expiresAt.getTime() - command.queuedAt.getTime()).toBe(24 * 3600 * 1000);
      expect(woken).toContain(agent.agentId);
      off();
      const told = await eventually(
        async () => (await under.store.readFeed(from, 100, agent.companyId)).entries.find((each) => each.commandId),
        { deadlineMs: 5_000 },
      );
      expect(told).toMatchObject({ kind: "command.queued", commandId: command.commandId, revision: 1 });
    });

    it("gives its commands the expiry that was asked for", async () => {
      const [agent] = await enrolMany(under.store, 1);
      const expiresAt = new Date(Date.now() + 60_000);
      const rollout = await rollOut(under.store, agent ? [agent] : [], { expiresAt });
      await rollout.advance();
      expect((await agent?.command(rollout.commandIds[0] ?? ""))?.expiresAt).toEqual(expiresAt);
    });

    it("says of other commands that they are of none", async () => {
      const [agent] = await enrolMany(under.store, 1);
      expect((await agent?.command((await agent?.queue()) ?? ""))?.rolloutId).toBeNull();
    });

    it("queues its targets in order, at most so many in a step, and says when there is more", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 5, { connect: false }));
      const step = () => under.store.advanceRollout(rollout.rolloutId, 2);
      const running = { status: "running", type: "SHELL", cancelled: 0, ended: null };
      expect(await step()).toEqual({ ...running, queued: 2, more: true });
      expect((await rollout.now()).counts).toEqual(counts({ targets: 5, pending: 3, queued: 2 }));
      for (const [position, commandId] of rollout.commandIds.entries()) {
        expect((await under.store.get(rollout.companyId, commandId)) !== null).toBe(position < 2);
      }
      expect(await step()).toEqual({ ...running, queued: 2, more: true });
      expect(await step()).toEqual({ ...running, queued: 1, more: false });
      expect(await step()).toEqual({ ...running, queued: 0, more: false });
    });

    it("never has more commands live than it may, and goes on as they end", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 5), { maxConcurrency: 2 });
      expect((await rollout.advance(1)).map(({ queued }) => queued)).toEqual([1, 1]);
      expect((await rollout.advance()).map(({ queued }) => queued)).toEqual([0]);
      await rollout.begin(0);
      expect((await rollout.advance()).map(({ queued }) => queued)).toEqual([0]);
      expect((await rollout.now()).counts).toEqual(counts({ targets: 5, pending: 3, queued: 1, assigned: 1 }));
      await rollout.end(0);
      await rollout.end(1, failed);
      expect((await rollout.advance()).map(({ queued }) => queued)).toEqual([2]);
      const now = counts({ targets: 5, pending: 1, queued: 2, completed: 1, failed: 1, errors: 1 });
      expect((await rollout.now()).counts).toEqual(now);
    });

    it("is completed when every command has ended, however it ended, and says so once", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 3));
      await rollout.advance();
      await rollout.end(0);
      await rollout.end(1, failed);
      expect((await rollout.advance())[0]).toMatchObject({ status: "running", ended: null });
      await under.store.cancel(rollout.companyId, rollout.commandIds[2] ?? "");
      const [last] = await rollout.advance();
      expect(last?.ended).toEqual(await rollout.now());
      expect(await rollout.now()).toMatchObject({
        status: "completed",
        finishedAt: expect.any(Date),
        counts: counts({ targets: 3, completed: 1, failed: 1, cancelled: 1, errors: 1 }),
      });
      expect((await rollout.advance())[0]).toMatchObject({ status: "completed", queued: 0, ended: null });
    });

    it("is found as active while it runs, and as due while a step would change it", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 2), { maxConcurrency: 1 });
      const found = async () =>
        (await under.store.activeRollouts()).find(({ rolloutId }) => rolloutId === rollout.rolloutId);
      expect(await found()).toEqual({ rolloutId: rollout.rolloutId, status: "running", due: true });
      await rollout.advance();
      expect(await found()).toMatchObject({ status: "running" });
      await rollout.end(0);
      expect(await found()).toMatchObject({ status: "running", due: true });
      await rollout.advance();
      await rollout.end(1);
      expect(await found()).toMatchObject({ status: "running", due: true });
      await rollout.advance();
      expect(await found()).toBeUndefined();
    });

    it("is unknown where it isn't", async () => {
      expect(await under.store.advanceRollout(uuidv7(), 1)).toBeNull();
      expect(await under.store.getRollout(fresh("company"), uuidv7())).toBeNull();
    });

    it("refuses text that can't be stored", async () => {
      const rollout = newRollout(fresh("company"), ["a"], { selection: { fleetId: "a\0b" } });
      await expect(under.store.createRollout(rollout)).rejects.toMatchObject({ code: "unstorable_text" });
    });
  });

  describe("the errors of a rollout", () => {
    const under = useStore(open, { startGraceMs: 1, timeoutGraceMs: 1 });

    it("halt it as soon as they are more than it may have: what waits is cancelled, what runs goes on", async () => {
      const agents = await enrolMany(under.store, 6);
      const rollout = await rollOut(under.store, agents, { maxErrors: 1, maxConcurrency: 4 });
      await rollout.advance();
      await rollout.end(0, failed);
      await rollout.begin(1);
      expect((await rollout.advance())[0]).toMatchObject({ status: "running", queued: 1 });
      await rollout.end(2, failed);
      const steps = await rollout.advance();
      expect(steps[0]).toMatchObject({ status: "halted", queued: 0, cancelled: 2, ended: { status: "halted" } });
      const halted = { targets: 6, pending: 1, failed: 2, cancelled: 2, errors: 2 };
      expect(await rollout.now()).toMatchObject({
        status: "halted",
        finishedAt: expect.any(Date),
        counts: counts({ ...halted, assigned: 1 }),
      });
      const cancelled = await agents[3]?.command(rollout.commandIds[3] ?? "");
      expect(cancelled).toMatchObject({ status: "cancelled", result: { error: "rollout_halted" } });
      expect(cancelled?.finishedAt).not.toBeNull();
      expect((await agents[1]?.command(rollout.commandIds[1] ?? ""))?.cancelRequestedAt).toBeNull();

      await rollout.end(1);
      for (const step of await rollout.advance()) expect(step).toMatchObject({ status: "halted", ended: null });
      expect((await rollout.now()).counts).toEqual(counts({ ...halted, completed: 1 }));
    });

    it("halt it even where nothing is left to be done", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 1), { maxErrors: 0 });
      await rollout.advance();
      await rollout.end(0, failed);
      expect((await rollout.advance())[0]?.ended).toMatchObject({ status: "halted" });
    });

    it("are runs that failed or were too long; not what was cancelled, expired or never known to start", async () => {
      const template = { ...newRollout("", []).template, timeoutMs: 1 };
      // 0 fails, 1 runs for too long, 2 is cancelled, 3 expires, 4 is never heard of again.
      const begun = async (expiresAt: Date) => {
        const agents = await enrolMany(under.store, 5);
        const rollout = await rollOut(under.store, agents, { template, maxErrors: 2, expiresAt });
        await rollout.advance();
        await rollout.end(0, failed);
        await rollout.begin(1);
        await under.store.cancel(rollout.companyId, rollout.commandIds[2] ?? "");
        await agents[4]?.assign();
        return rollout;
      };
      const rollout = await inTime(400, begun);
      const statuses = async () =>
        Promise.all(
          rollout.commandIds.map(async (id) => (await under.store.get(rollout.companyId, id))?.status ?? "queued"),
        );
      const ends: CommandStatus[] = ["failed", "timeout", "cancelled", "expired", "timeout"];
      await eventually(
        async () => {
          await under.store.sweep(100);
          return JSON.stringify(await statuses()) === JSON.stringify(ends);
        },
        { deadlineMs: 10_000, intervalMs: 20, what: "the sweep of what is due" },
      );
      expect((await rollout.advance()).at(-1)).toMatchObject({ status: "completed" });
      const end = { targets: 5, failed: 1, timeout: 2, cancelled: 1, expired: 1, errors: 2 };
      expect((await rollout.now()).counts).toEqual(counts(end));
    });

    it("don't bound by concurrency what can't be assigned any more", async () => {
      const agents = await enrolMany(under.store, 3);
      const rollout = await rollOut(under.store, agents, { maxConcurrency: 1, expiresAt: new Date(Date.now() - 1) });
      await rollout.advance();
      expect((await rollout.now()).counts).toEqual(counts({ targets: 3, queued: 3 }));
      expect(await agents[0]?.assign()).toEqual([]);
    });
  });

  describe("stopping a rollout", () => {
    const under = useStore(open);

    it("queues nothing more, cancels what waits and lets run what runs", async () => {
      const agents = await enrolMany(under.store, 4);
      const rollout = await rollOut(under.store, agents, { maxConcurrency: 3 });
      await rollout.advance();
      await rollout.begin(0);
      const stopped = await under.store.stopRollout(rollout.companyId, rollout.rolloutId, { cancelRunning: false });
      expect(stopped).toMatchObject({ kind: "stopped", cancelled: 2, cancelRequested: 0 });
      expect(stopped).toMatchObject({ rollout: await rollout.now() });
      const end = { targets: 4, pending: 1, cancelled: 2 };
      expect(await rollout.now()).toMatchObject({ status: "stopped", counts: counts({ ...end, assigned: 1 }) });
      expect(await agents[1]?.command(rollout.commandIds[1] ?? "")).toMatchObject({
        status: "cancelled",
        result: { error: "rollout_stopped" },
      });
      expect((await agents[0]?.command(rollout.commandIds[0] ?? ""))?.cancelRequestedAt).toBeNull();
      expect((await rollout.advance())[0]).toMatchObject({ status: "stopped", queued: 0, ended: null });
      await rollout.end(0);
      await rollout.advance();
      expect((await rollout.now()).counts).toEqual(counts({ ...end, completed: 1 }));
    });

    it("asks what runs to end where that is wished, also after it had been stopped without", async () => {
      const agents = await enrolMany(under.store, 2);
      const asked: string[] = [];
      under.store.onSignal({
        wake: () => {},
        cancel: (ids) => void asked.push(...ids),
        stop: () => {},
        drop: () => {},
      });
      const rollout = await rollOut(under.store, agents);
      await rollout.advance();
      await rollout.begin(0);
      const stop = (cancelRunning: boolean) =>
        under.store.stopRollout(rollout.companyId, rollout.rolloutId, { cancelRunning });
      expect(await stop(false)).toMatchObject({ kind: "stopped", cancelRequested: 0 });
      expect(await stop(false)).toMatchObject({ kind: "already_ended", cancelRequested: 0 });
      expect(asked).toEqual([]);
      expect(await stop(true)).toMatchObject({ kind: "already_ended", cancelRequested: 1 });
      await eventually(() => asked.includes(agents[0]?.agentId ?? ""), { deadlineMs: 1_000 });
      expect((await agents[0]?.command(rollout.commandIds[0] ?? ""))?.cancelRequestedAt).not.toBeNull();
    });

    it("cancels, with the next step, what comes back to be queued again", async () => {
      const [agent] = await enrolMany(under.store, 1);
      if (agent === undefined) throw new Error("no agent");
      const rollout = await rollOut(under.store, [agent]);
      await rollout.advance();
      const [assignment] = await agent.assign();
      if (assignment === undefined) throw new Error("nothing was assigned");
      await under.store.stopRollout(rollout.companyId, rollout.rolloutId, { cancelRunning: false });
      await under.store.refused({ ...keyOf(agent, assignment), recorded: true, reason: "busy" });
      expect((await rollout.now()).counts.queued).toBe(1);
      expect((await rollout.advance())[0]).toMatchObject({ status: "stopped", cancelled: 1 });
      expect((await rollout.now()).counts).toEqual(counts({ targets: 1, cancelled: 1 }));
    });

    it("is too late for one that has ended, and finds none that isn't there", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 1));
      await rollout.advance();
      await rollout.end(0);
      await rollout.advance();
      const how = { cancelRunning: true };
      expect(await under.store.stopRollout(rollout.companyId, rollout.rolloutId, how)).toEqual({
        kind: "already_ended",
        rollout: await rollout.now(),
        cancelRequested: 0,
      });
      expect(await under.store.stopRollout(rollout.companyId, uuidv7(), how)).toEqual({ kind: "not_found" });
    });

    it("is final also while other servers move it on", async () => {
      const second = await under.openSecond(randomUUID());
      const agents = await enrolMany(under.store, 60, { connect: false });
      for (let round = 0; round < 10; round++) {
        const rollout = await rollOut(under.store, agents);
        const [, , stopped] = await Promise.all([
          rollout.advance(3),
          rollout.advance(3, second),
          rollout.advance(3).then(() => null),
          under.store.stopRollout(rollout.companyId, rollout.rolloutId, { cancelRunning: false }),
        ]).then(([a, b, , outcome]) => [a, b, outcome] as const);
        expect(stopped.kind).toBe("stopped");
        const { counts: now } = stopped.kind === "stopped" ? stopped.rollout : await rollout.now();
        expect(now.queued).toBe(0);
        await Promise.all([rollout.advance(), rollout.advance(500, second)]);
        expect((await rollout.now()).counts).toEqual(now);
        expect(now.cancelled + now.pending).toBe(60);
      }
      await second.close();
    });
  });

  describe("servers that move a rollout on together", () => {
    const under = useStore(open);

    it("queue each target once, and never more at a time than it may have", async () => {
      const second = await under.openSecond(randomUUID());
      const agents = await enrolMany(under.store, 30);
      const rollout = await rollOut(under.store, agents, { maxConcurrency: 4 });
      const done = new Set<number>();
      const from = await under.store.feedEnd();
      for (let round = 0; done.size < agents.length; round++) {
        if (round > 100) throw new Error("it doesn't get on");
        const ending = [...agents.keys()].filter((target) => !done.has(target));
        await Promise.all([
          under.store.advanceRollout(rollout.rolloutId, 3),
          second.advanceRollout(rollout.rolloutId, 3),
          second.advanceRollout(rollout.rolloutId, 500),
          under.store.advanceRollout(rollout.rolloutId, 500),
        ]);
        const { counts: now } = await rollout.now();
        expect(now.queued + now.assigned).toBeLessThanOrEqual(4);
        for (const target of ending) {
          if ((await under.store.get(rollout.companyId, rollout.commandIds[target] ?? "")) === null) break;
          await rollout.end(target);
          done.add(target);
        }
      }
      await rollout.advance();
      expect(await rollout.now()).toMatchObject({ status: "completed", counts: { completed: 30, pending: 0 } });
      const queued = await eventually(
        async () => {
          const { entries } = await under.store.readFeed(from, 500, rollout.companyId);
          const found = entries.filter(({ kind }) => kind === "command.queued");
          return found.length >= 30 && found;
        },
        { deadlineMs: 5_000 },
      );
      expect(queued).toHaveLength(30);
      expect(new Set(queued.map(({ commandId }) => commandId)).size).toBe(30);
      await second.close();
    });

    it("say once that it ended", async () => {
      const second = await under.openSecond(randomUUID());
      const rollout = await rollOut(under.store, await enrolMany(under.store, 1));
      await rollout.advance();
      await rollout.end(0);
      const steps = await Promise.all(
        [under.store, second, under.store, second].map((store) => store.advanceRollout(rollout.rolloutId, 10)),
      );
      expect(steps.filter((step) => step?.ended)).toHaveLength(1);
      for (const step of steps) expect(step?.status).toBe("completed");
      await second.close();
    });

    it("take 2,000 targets in a few steps", async () => {
      const companyId = fresh("company");
      const agentIds = Array.from({ length: 2_000 }, (_, n) => `agent-${n}`);
      const given = newRollout(companyId, agentIds);
      expect(await under.store.createRollout(given)).toEqual({ kind: "created" });
      for (let step = 0; step < 4; step++) {
        const more = step < 3;
        expect(await under.store.advanceRollout(given.rolloutId, 500)).toMatchObject({ queued: 500, more });
      }
      const rollout = await under.store.getRollout(companyId, given.rolloutId);
      expect(rollout?.counts).toEqual(counts({ targets: 2_000, queued: 2_000 }));
      const seen: string[] = [];
      for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
        const page = await under.store.rolloutTargets({
          companyId,
          rolloutId: given.rolloutId,
          limit: 900,
          cursor,
        });
        seen.push(...page.items.map(({ commandId }) => commandId));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(given.targets.map(({ commandId }) => commandId));
    });
  });
}

type Counts = Record<
  | "targets"
  | "pending"
  | "queued"
  | "assigned"
  | "completed"
  | "failed"
  | "timeout"
  | "cancelled"
  | "expired"
  | "errors",
  number
>;

/** All that isn't said is zero. */
function counts(some: Partial<Counts>): Counts {
  const none = { targets: 0, pending: 0, queued: 0, assigned: 0, completed: 0, failed: 0, timeout: 0 };
  return { ...none, cancelled: 0, expired: 0, errors: 0, ...some };
}
