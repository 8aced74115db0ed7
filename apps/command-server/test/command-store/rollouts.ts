import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import { maxTargets } from "../../src/rollouts/target-request.ts";
import { fresh, useStore, type OpenStore } from "./fixture.ts";
import { counts, enrolMany, newRollout, rollOut } from "./rollout-fixture.ts";

const failed = { exitCode: 1 };

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
