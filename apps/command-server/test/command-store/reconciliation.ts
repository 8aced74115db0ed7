import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { NewCommand, OpenSession, RunKey } from "../../src/store/command-store.ts";
import { enrolAgent, exited, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

const held = ({ commandId, assignNo, attempt }: RunKey, state: "running" | "done" | "refused") => ({
  commandId,
  assignNo,
  attempt,
  state,
});

/** How a new session settles what its agent holds against what was assigned. */
export function describeReconciliation(open: OpenStore): void {
  describe("reconciliation", () => {
    // However slow the machine, nobody goes silent.
    const under = useStore(open, { holderTimeoutMs: 600_000 });

    /** A connected agent with one assigned command. */
    async function withRun(over: Partial<NewCommand> = {}): Promise<{ agent: TestAgent; key: RunKey }> {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      return { agent, key: await agent.run(over) };
    }

    it("goes on with what runs, and marks it started", async () => {
      const { agent, key } = await withRun();
      await under.store.appendOutput({ ...key, offset: 0, stream: "stdout", data: Buffer.from("12345") });
      const outcome = await agent.connect({ highest: key.assignNo, held: [held(key, "running")] });
      const { commandId, assignNo, attempt } = key;
      expect(outcome).toMatchObject({ stop: [], requeued: [], lost: [] });
      expect(outcome.kept).toEqual([
        { commandId, assignNo, attempt, lane: "work", outputEnd: 5, cancelRequested: false },
      ]);
      const command = await agent.command(commandId);
      expect(command).toMatchObject({ status: "assigned", revision: 2 });
      expect(command.startedAt).not.toBeNull();
      expect(await under.store.result(exited(key))).toMatchObject({ kind: "applied" });
    });

    it("waits for the result of what is done", async () => {
      const { agent, key } = await withRun();
      await under.store.cancel(agent.companyId, key.commandId);
      const outcome = await agent.connect({ highest: key.assignNo, held: [held(key, "done")] });
      expect(outcome.kept).toMatchObject([{ commandId: key.commandId, cancelRequested: true }]);
      expect(await under.store.result(exited(key))).toEqual({ kind: "applied", status: "completed" });
    });

    it.each([
      ["refused", (key: RunKey) => ({ highest: key.assignNo, held: [held(key, "refused")] })],
      ["not held, above the horizon", () => ({})],
      [
        "of another number than the one held",
        (key: RunKey) => ({ held: [held({ ...key, assignNo: key.assignNo + 1 }, "refused")] }),
      ],
      [
        "of another attempt than the one held",
        (key: RunKey) => ({ held: [held({ ...key, attempt: key.attempt + 1 }, "done")] }),
      ],
    ] satisfies [string, (key: RunKey) => Partial<OpenSession>][])(
      "queues again what is %s, or ends it where a cancel was asked for",
      async (_, hello) => {
        const { agent, key } = await withRun();
        expect(await agent.connect(hello(key))).toMatchObject({ kept: [], requeued: [key.commandId], lost: [] });
        expect(await agent.command(key.commandId)).toMatchObject({ status: "queued", attempt: 1, revision: 3 });

        const cancelled = await withRun();
        await under.store.cancel(cancelled.agent.companyId, cancelled.key.commandId);
        expect(await cancelled.agent.connect(hello(cancelled.key))).toMatchObject({ kept: [], requeued: [], lost: [] });
        expect(await cancelled.agent.command(cancelled.key.commandId)).toMatchObject({
          status: "cancelled",
          result: { error: "cancelled" },
        });
      },
    );

    const ways: [string, (agent: TestAgent, key: RunKey) => Promise<Partial<OpenSession>>][] = [
      ["not held, at the horizon", (_, key) => Promise.resolve({ highest: key.assignNo, horizon: key.assignNo })],
      [
        "started and not held",
        async (_, key) => {
          await under.store.started({ ...key, recorded: false });
          return {};
        },
      ],
      [
        "of another ledger",
        async (agent) => {
          await under.store.closeSession(agent.agentId, agent.epoch, "connection_lost", null);
          agent.ledgerId = randomUUID();
          return {};
        },
      ],
    ];

    it.each(ways)("loses what is %s: it may have run", async (_, prepare) => {
      const { agent, key } = await withRun();
      const outcome = await agent.connect(await prepare(agent, key));
      expect(outcome).toMatchObject({ kept: [], requeued: [], lost: [key.commandId] });
      const command = await agent.command(key.commandId);
      expect(command).toMatchObject({ status: "failed", attempt: 1, result: { exitCode: null, error: "ledger_lost" } });
    });

    it.each(ways)(
      "runs what is %s again as the next attempt, where it is idempotent or its policy allows",
      async (_, prepare) => {
        for (const over of [{ idempotent: true }, { retry: { maxAttempts: 2, on: ["ledger_lost" as const] } }]) {
          const { agent, key } = await withRun(over);
          const outcome = await agent.connect(await prepare(agent, key));
          expect(outcome).toMatchObject({ kept: [], requeued: [key.commandId], lost: [] });
          expect(await agent.command(key.commandId)).toMatchObject({ status: "queued", attempt: 2, startedAt: null });
          expect(await under.store.result(exited(key, { recorded: false }))).not.toMatchObject({ kind: "applied" });
          const [again] = await agent.assign();
          expect(again).toMatchObject({ commandId: key.commandId, attempt: 2 });
        }
      },
    );

    it.each(ways)(
      "doesn't run what is %s again after a cancel, with another policy, or with no attempt left",
      async (_, prepare) => {
        const asked = await withRun({ idempotent: true });
        await under.store.cancel(asked.agent.companyId, asked.key.commandId);
        expect(await asked.agent.connect(await prepare(asked.agent, asked.key))).toMatchObject({
          lost: [asked.key.commandId],
        });

        const other = await withRun({ retry: { maxAttempts: 5, on: ["timeout"] } });
        expect(await other.agent.connect(await prepare(other.agent, other.key))).toMatchObject({
          lost: [other.key.commandId],
        });
      },
    );

    it("keeps the result of a lost run beside the record when its ledger speaks again", async () => {
      const { agent, key } = await withRun();
      await agent.connect({ highest: key.assignNo, horizon: key.assignNo });
      expect(await under.store.result(exited(key))).toEqual({ kind: "late" });
      expect(await agent.command(key.commandId)).toMatchObject({
        status: "failed",
        lateResult: { status: "completed" },
      });
    });

    it("tells the agent to end runs that aren't current any more", async () => {
      const { agent, key } = await withRun();
      await under.store.result(exited(key));
      const unknown = { commandId: "unknown", assignNo: 1, attempt: 1, state: "running" as const };
      const outcome = await agent.connect({
        highest: key.assignNo,
        held: [held(key, "running"), unknown, held({ ...key, commandId: "x" }, "done")],
      });
      expect(outcome).toMatchObject({ kept: [], stop: [held(key, "running"), unknown] });
    });

    it("lets a run go on whose assignment the store has forgotten, and gives it out again under a later number", async () => {
      const agent = await enrolAgent(under.store);
      const commandId = await agent.queue();
      const forgotten = { commandId, assignNo: 7, attempt: 1, state: "running" as const };
      const otherAttempt = { ...forgotten, commandId: await agent.queue(), attempt: 2, assignNo: 8 };
      const stranger = await enrolAgent(under.store);
      const notIts = { ...forgotten, commandId: await stranger.queue(), assignNo: 9 };
      const outcome = await agent.connect({ highest: 9, held: [forgotten, otherAttempt, notIts] });
      expect(outcome).toMatchObject({ kept: [], stop: [otherAttempt, notIts], requeued: [], lost: [] });
      const [again] = await agent.assign();
      expect(again).toMatchObject({ commandId, attempt: 1 });
      expect(again?.assignNo).toBeGreaterThan(9);
    });

    it("settles many commands at once, each by its own rule", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const keys: RunKey[] = [];
      for (let n = 0; n < 4; n++) keys.push(await agent.run());
      const [running, done, refused, absent] = keys as [RunKey, RunKey, RunKey, RunKey];
      const outcome = await agent.connect({
        highest: 3,
        held: [held(running, "running"), held(done, "done"), held(refused, "refused")],
      });
      expect(outcome.kept.map(({ commandId }) => commandId).toSorted()).toEqual(
        [running.commandId, done.commandId].toSorted(),
      );
      expect(outcome.requeued.toSorted()).toEqual([refused.commandId, absent.commandId].toSorted());
    });

    it("finds a restored copy: a ledger that knows less than it had reported", async () => {
      const { agent, key } = await withRun();
      await under.store.started({ ...key, recorded: true });
      expect(await under.store.openSession(agent.hello({ highest: key.assignNo - 1 }))).toEqual({
        kind: "restored_copy",
      });
      expect((await agent.command(key.commandId)).status).toBe("assigned");
      expect(
        await under.store.openSession(agent.hello({ highest: key.assignNo, held: [held(key, "running")] })),
      ).toMatchObject({ kind: "opened" });
      await under.store.closeSession(agent.agentId, agent.epoch + 1, "agent_closed", null);
      expect(await agent.connect({ ledgerId: randomUUID(), highest: 0 })).toMatchObject({ lost: [key.commandId] });
    });

    it.each(["refused", "result", "hello"] as const)("remembers what a ledger reported by %s", async (by) => {
      const { agent, key } = await withRun();
      if (by === "refused") await under.store.refused({ ...key, recorded: true, reason: "busy" });
      if (by === "result") await under.store.result(exited(key));
      if (by === "hello") await agent.connect({ highest: key.assignNo, held: [held(key, "refused")] });
      expect(await under.store.openSession(agent.hello({ highest: 0 }))).toEqual({ kind: "restored_copy" });
    });

    it("doesn't count reports that no ledger row stands behind", async () => {
      const { agent, key } = await withRun({ idempotent: true });
      await under.store.started({ ...key, recorded: false });
      await under.store.result(exited(key, { recorded: false }));
      expect(await under.store.openSession(agent.hello({ highest: 0 }))).toMatchObject({ kind: "opened" });
    });
  });
}
