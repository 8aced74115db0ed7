import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import type { CommandStatus } from "../../src/commands/command.ts";
import { keyOf, useStore, type OpenStore } from "./fixture.ts";
import { counts, enrolMany, newRollout, rollOut } from "./rollout-fixture.ts";

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

/** Of rollouts that have too many errors, or that an operator stops. */
export function describeRolloutEndings(open: OpenStore): void {
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
}
