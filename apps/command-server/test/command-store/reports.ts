import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import type { RetryReason } from "../../src/commands/command.ts";
import type { ResultReport, RunKey } from "../../src/store/command-store.ts";
import { enrolAgent, exited, keyOf, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

async function connected(store: Parameters<typeof enrolAgent>[0]): Promise<TestAgent> {
  const agent = await enrolAgent(store);
  await agent.connect();
  return agent;
}

export function describeReports(open: OpenStore): void {
  describe("what agents report", () => {
    const under = useStore(open);

    it.each([
      ["exit code 0", { exitCode: 0 }, { status: "completed", exitCode: 0, error: null }],
      ["another exit code", { exitCode: 3 }, { status: "failed", exitCode: 3, error: null }],
      [
        "an error",
        { outcome: "failed", exitCode: -1, error: "not_allowed", errorMessage: "no\0" },
        { status: "failed", exitCode: null, error: "not_allowed", errorMessage: "no\ufffd" },
      ],
      [
        "the end of its time",
        { outcome: "timeout", exitCode: 143 },
        { status: "timeout", exitCode: 143, error: "timeout" },
      ],
      ["a cancel", { outcome: "cancelled", exitCode: 130 }, { status: "cancelled", exitCode: 130, error: "cancelled" }],
    ] satisfies [string, Partial<ResultReport>, object][])("ends a command by %s", async (_, report, expected) => {
      const agent = await connected(under.store);
      const key = await agent.start();
      const { status, ...result } = expected;
      expect(await under.store.result(exited(key, report))).toEqual({ kind: "applied", status });
      const command = await agent.command(key.commandId);
      expect(command).toMatchObject({ status, revision: 3, attempt: 1, lateResult: null });
      expect(command.result).toMatchObject({ durationMs: 5, outputBytes: 0, truncated: false, ...result });
      expect(command.finishedAt?.getTime()).toBeGreaterThanOrEqual(command.startedAt?.getTime() ?? Infinity);
    });

    it("keeps what the agent saw running on, also of a late answer", async () => {
      const agent = await connected(under.store);
      const leftRunning = [
        { pid: 4711, command: "sleep 60" },
        { pid: 4712, command: "web\0server" },
      ];
      const kept = [leftRunning[0], { pid: 4712, command: "web\ufffdserver" }];
      const key = await agent.start();
      await under.store.result(exited(key, { leftRunning }));
      expect((await agent.command(key.commandId)).result).toMatchObject({ leftRunning: kept });

      const lost = await agent.run();
      await agent.connect({ highest: lost.assignNo, horizon: lost.assignNo });
      expect((await agent.command(lost.commandId)).result).toMatchObject({ leftRunning: [] });
      expect(await under.store.result(exited(lost, { leftRunning }))).toEqual({ kind: "late" });
      expect((await agent.command(lost.commandId)).lateResult).toMatchObject({ leftRunning: kept });
    });

    it("dates the start by the first report of it alone", async () => {
      const agent = await connected(under.store);
      const key = await agent.start();
      const { startedAt } = await agent.command(key.commandId);
      expect(startedAt).not.toBeNull();
      expect(await under.store.started({ ...key, recorded: true })).toBe("applied");
      expect((await agent.command(key.commandId)).startedAt).toEqual(startedAt);
    });

    it("dates the start by the result where no report of it came, but not before the assignment", async () => {
      const agent = await connected(under.store);
      const key = await agent.run();
      await under.store.result(exited(key, { startedAgoMs: 3_600_000 }));
      const { startedAt, assignedAt } = await agent.command(key.commandId);
      expect(startedAt).toEqual(assignedAt);
    });

    it("takes a repeated result once", async () => {
      const agent = await connected(under.store);
      const key = await agent.start();
      const answers = await Promise.all([1, 2, 3].map((exitCode) => under.store.result(exited(key, { exitCode }))));
      answers.push(await under.store.result(exited(key)));
      expect(answers.filter(({ kind }) => kind === "applied")).toHaveLength(1);
      expect(answers.filter(({ kind }) => kind === "duplicate")).toHaveLength(3);
      expect(await agent.command(key.commandId)).toMatchObject({ revision: 3, lateResult: null });
    });

    it("takes reports of the current run alone, and keeps nothing of others", async () => {
      const agent = await connected(under.store);
      const other = await connected(under.store);
      const key = await agent.start();
      const wrong: RunKey[] = [
        { ...key, attempt: 2 },
        { ...key, assignNo: key.assignNo + 1 },
        { ...key, ledgerId: "another" },
        { ...key, agentId: other.agentId },
        { ...key, agentId: other.agentId, ledgerId: other.ledgerId },
        { ...key, commandId: "unknown" },
      ];
      for (const run of wrong) {
        expect(await under.store.started({ ...run, recorded: false })).toBe("stale");
        expect(await under.store.refused({ ...run, recorded: false, reason: "busy" })).toBe("stale");
        expect(await under.store.result(exited(run, { recorded: false }))).toEqual({ kind: "unknown" });
      }
      // Output isn't numbered: the attempt and the ledger name its run.
      for (const run of wrong.filter(({ assignNo }) => assignNo === key.assignNo)) {
        const output = { ...run, offset: 0, stream: "stdout" as const, data: Buffer.from("x") };
        expect(await under.store.appendOutput(output)).toBeNull();
      }
      expect(await agent.command(key.commandId)).toMatchObject({ status: "assigned", revision: 2, lateResult: null });
    });

    it("answers each report of a batch by itself", async () => {
      const agent = await connected(under.store);
      const keys: RunKey[] = [];
      for (let n = 0; n < 10; n++) keys.push(await agent.start());
      const reports = keys.map((key, n) => exited(n % 3 === 0 ? { ...key, attempt: 9 } : key, { exitCode: n }));
      // More than an int4: the database refuses this row, not its neighbours.
      const [bad] = reports.splice(4, 1);
      if (bad !== undefined) reports.splice(4, 0, { ...bad, exitCode: 2 ** 40 });
      const answers = await Promise.allSettled(reports.map((report) => under.store.result(report)));
      const kinds = answers.map((answer) => (answer.status === "fulfilled" ? answer.value.kind : "rejected"));
      expect(kinds).toEqual(keys.map((_, n) => (n === 4 ? "rejected" : n % 3 === 0 ? "unknown" : "applied")));
    });

    it("puts a refused command back into the queue, the attempt unspent", async () => {
      const agent = await connected(under.store);
      const key = await agent.run();
      const report = { ...key, recorded: true, reason: "draining" } as const;
      expect(await under.store.refused(report)).toBe("requeued");
      expect(await agent.command(key.commandId)).toMatchObject({
        status: "queued",
        attempt: 1,
        revision: 3,
        assignedAt: null,
      });
      expect(await under.store.refused(report)).toBe("requeued");
      expect((await agent.command(key.commandId)).revision).toBe(3);
      const [again] = await agent.assign();
      expect(again).toMatchObject({ commandId: key.commandId, attempt: 1 });
      expect(await under.store.refused(report)).toBe("stale");
    });

    it("doesn't take a refusal of what has started", async () => {
      const agent = await connected(under.store);
      const key = await agent.start();
      await under.store.refused({ ...key, recorded: true, reason: "busy" });
      expect((await agent.command(key.commandId)).status).toBe("assigned");
    });

    it.each([
      ["interrupted", { outcome: "failed", exitCode: -1, error: "interrupted" }],
      ["timeout", { outcome: "timeout", exitCode: 143 }],
      ["exit_code", { outcome: "exited", exitCode: 1 }],
    ] satisfies [RetryReason, Partial<ResultReport>][])(
      "runs again after %s, where the policy says so",
      async (reason, report) => {
        const agent = await connected(under.store);
        let key = await agent.start({ retry: { maxAttempts: 3, on: [reason] } });
        for (const attempt of [1, 2]) {
          await under.store.appendOutput({
            ...key,
            offset: 0,
            stream: "stdout",
            data: Buffer.from("of another attempt"),
          });
          expect(await under.store.result(exited(key, report))).toEqual({ kind: "retried" });
          expect(await under.store.result(exited(key, report))).toEqual({ kind: "duplicate" });
          const command = await agent.command(key.commandId);
          expect(command).toMatchObject({
            status: "queued",
            attempt: attempt + 1,
            startedAt: null,
            finishedAt: null,
            result: null,
          });
          const output = await under.store.readOutput(agent.companyId, key.commandId, 0, 100);
          expect(output).toMatchObject({ attempt: attempt + 1, pieces: [], end: 0, truncated: false });
          const [assignment] = await agent.assign();
          if (assignment === undefined) throw new Error("nothing was assigned");
          key = keyOf(agent, assignment);
          expect(key.attempt).toBe(attempt + 1);
        }
        expect(await under.store.result(exited(key, report))).toMatchObject({ kind: "applied" });
        expect(await agent.command(key.commandId)).toMatchObject({ attempt: 3 });
      },
    );

    it("doesn't run again for a reason that the policy doesn't name, nor without one, nor after a cancel", async () => {
      const agent = await connected(under.store);
      const reasons = { outcome: "timeout", exitCode: 143 } as const;
      const other = await agent.start({ retry: { maxAttempts: 3, on: ["exit_code"] } });
      expect(await under.store.result(exited(other, reasons))).toEqual({ kind: "applied", status: "timeout" });
      const without = await agent.start({ idempotent: true });
      expect(await under.store.result(exited(without, reasons))).toEqual({ kind: "applied", status: "timeout" });
      const cancelled = await agent.start({ retry: { maxAttempts: 3, on: ["timeout"] } });
      await under.store.cancel(agent.companyId, cancelled.commandId);
      expect(await under.store.result(exited(cancelled, reasons))).toEqual({ kind: "applied", status: "timeout" });
      const succeeded = await agent.start({ retry: { maxAttempts: 3, on: ["exit_code"] } });
      expect(await under.store.result(exited(succeeded))).toEqual({ kind: "applied", status: "completed" });
    });
  });

  describe("cancelling", () => {
    const under = useStore(open);

    it("ends what is queued at once", async () => {
      const agent = await connected(under.store);
      const commandId = await agent.queue();
      expect(await under.store.cancel(agent.companyId, commandId)).toMatchObject({
        kind: "cancelled",
        command: { status: "cancelled", revision: 2, result: { exitCode: null, error: "cancelled" } },
      });
      expect(await under.store.cancel(agent.companyId, commandId)).toMatchObject({ kind: "already_ended" });
      expect(await agent.assign()).toEqual([]);
    });

    it("signals the holder for what is assigned, and keeps the first wish's time", async () => {
      const agent = await connected(under.store);
      const signalled: string[] = [];
      under.store.onSignal({
        wake: () => {},
        cancel: (ids) => void signalled.push(...ids),
        stop: () => {},
        drop: () => {},
      });
      const key = await agent.start();
      const first = await under.store.cancel(agent.companyId, key.commandId);
      expect(first).toMatchObject({ kind: "requested", command: { status: "assigned", revision: 2 } });
      expect(signalled).toContain(agent.agentId);
      const { attempt, assignNo, commandId } = key;
      expect(await under.store.pendingCancels(agent.agentId)).toEqual([{ commandId, attempt, assignNo }]);
      const second = await under.store.cancel(agent.companyId, commandId);
      expect(second.kind === "requested" && second.command.cancelRequestedAt).toEqual(
        first.kind === "requested" && first.command.cancelRequestedAt,
      );
      await under.store.result(exited(key, { outcome: "cancelled", exitCode: 143 }));
      expect((await agent.command(commandId)).status).toBe("cancelled");
      expect(await under.store.pendingCancels(agent.agentId)).toEqual([]);
    });

    it("lets the agent's answer decide when the run ended by itself meanwhile", async () => {
      const agent = await connected(under.store);
      const key = await agent.start();
      await under.store.cancel(agent.companyId, key.commandId);
      expect(await under.store.result(exited(key))).toEqual({ kind: "applied", status: "completed" });
      expect(await under.store.cancel(agent.companyId, key.commandId)).toMatchObject({ kind: "already_ended" });
    });

    it("ends an assigned command that the agent refuses", async () => {
      const agent = await connected(under.store);
      for (const [reason, ask] of [
        ["busy", true],
        ["cancelled", false],
      ] as const) {
        const key = await agent.run();
        if (ask) await under.store.cancel(agent.companyId, key.commandId);
        expect(await under.store.refused({ ...key, recorded: true, reason })).toBe("cancelled");
        expect(await agent.command(key.commandId)).toMatchObject({
          status: "cancelled",
          result: { error: "cancelled" },
        });
        expect(await under.store.refused({ ...key, recorded: true, reason })).toBe("cancelled");
      }
    });

    it("finds no command that isn't there", async () => {
      expect(await under.store.cancel("default", "unknown")).toEqual({ kind: "not_found" });
    });
  });

  describe("time that is over", () => {
    const under = useStore(open, { startGraceMs: 40, timeoutGraceMs: 40 });

    async function swept(agent: TestAgent, commandId: string) {
      const mine = await eventually(
        async () => (await under.store.sweep(100)).find((each) => each.commandId === commandId),
        { deadlineMs: 5_000, what: "the sweep of one command" },
      );
      expect(mine).toMatchObject({ agentId: agent.agentId });
      return mine;
    }

    it("ends a started command after its timeout and the grace; the agent's answer is kept beside it, once", async () => {
      const agent = await connected(under.store);
      const key = await agent.start({ timeoutMs: 10 });
      const { attempt, assignNo } = key;
      expect(await swept(agent, key.commandId)).toMatchObject({ status: "timeout", attempt, assignNo });
      const ended = await agent.command(key.commandId);
      expect(ended).toMatchObject({ status: "timeout", revision: 3, result: { exitCode: null, error: "timeout" } });
      expect(ended.result?.durationMs).toBeGreaterThanOrEqual(50);

      expect(await under.store.result(exited({ ...key, ledgerId: "another" }, { recorded: false }))).toEqual({
        kind: "unknown",
      });
      expect(await under.store.result(exited(key, { exitCode: 7 }))).toEqual({ kind: "late" });
      expect(await under.store.result(exited(key, { exitCode: 8 }))).toEqual({ kind: "duplicate" });
      const after = await agent.command(key.commandId);
      expect(after).toMatchObject({ ...ended, lateResult: { status: "failed", exitCode: 7 } });
      expect(
        await under.store.appendOutput({ ...key, offset: 0, stream: "stdout", data: Buffer.from("x") }),
      ).toBeNull();
    });

    it("counts the timeout of a run that was found running from there, and not from the end of its start window", async () => {
      const agent = await connected(under.store);
      for (const state of ["running", "done"] as const) {
        const key = await agent.run({ timeoutMs: 10 });
        await agent.connect({ highest: key.assignNo, held: [{ ...key, state }] });
        expect(await swept(agent, key.commandId)).toMatchObject({ status: "timeout" });
      }
    });

    it("ends what never said that it started when the start window and its grace are over, cancel asked for or not", async () => {
      const agent = await connected(under.store);
      for (const ask of [false, true]) {
        const key = await agent.run({ expiresAt: new Date(Date.now() + 50) });
        if (ask) await under.store.cancel(agent.companyId, key.commandId);
        expect(await swept(agent, key.commandId)).toMatchObject({ status: "timeout" });
        expect(await agent.command(key.commandId)).toMatchObject({
          status: "timeout",
          result: { error: "start_unknown", durationMs: null },
        });
      }
    });

    it("doesn't retry on the server's own verdict, whatever the policy: nobody knows whether it still runs", async () => {
      const agent = await connected(under.store);
      const key = await agent.start({ timeoutMs: 1, retry: { maxAttempts: 3, on: ["timeout"] } });
      await swept(agent, key.commandId);
      expect(await agent.command(key.commandId)).toMatchObject({ status: "timeout", attempt: 1 });
    });

    it("leaves a run alone while it has time", async () => {
      const agent = await connected(under.store);
      const [running, waiting] = [await agent.start({ timeoutMs: 60_000 }), await agent.queue()];
      const short = await agent.queue({ expiresAt: new Date(Date.now() + 20) });
      await swept(agent, short);
      expect((await agent.command(running.commandId)).status).toBe("assigned");
      expect((await agent.command(waiting)).status).toBe("queued");
    });

    it("doesn't retry a run when the time to start is over", async () => {
      const agent = await connected(under.store);
      const key = await agent.start({
        expiresAt: new Date(Date.now() + 30),
        retry: { maxAttempts: 3, on: ["exit_code"] },
      });
      const { expiresAt } = await agent.command(key.commandId);
      await eventually(() => Date.now() > expiresAt.getTime() + 5, { deadlineMs: 2_000 });
      expect(await under.store.result(exited(key, { exitCode: 1 }))).toEqual({ kind: "applied", status: "failed" });
    });

    it("sweeps in rounds of the given size, each command once, also when servers sweep at once", async () => {
      const agent = await connected(under.store);
      const queued = await Promise.all(
        Array.from({ length: 30 }, () => agent.queue({ expiresAt: new Date(Date.now() - 1) })),
      );
      const seen: string[] = [];
      await eventually(
        async () => {
          const rounds = await Promise.all([1, 2, 3].map(() => under.store.sweep(4)));
          for (const round of rounds) expect(round.length).toBeLessThanOrEqual(4);
          seen.push(...rounds.flat().map(({ commandId }) => commandId));
          return seen.length >= queued.length;
        },
        { deadlineMs: 5_000 },
      );
      expect(seen.toSorted()).toEqual(queued.toSorted());
    });
  });
}
