/* oxlint-disable vitest/no-standalone-expect, vitest/no-conditional-expect -- the model is the body of one test */
import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { canMove, isTerminal, type CommandStatus } from "../../src/commands/command.ts";
import type { CommandStore, FeedEntry, HeldCommand, RunKey } from "../../src/store/command-store.ts";
import { enrolAgent, exited, newCommand, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

/** What the model believes of one command. */
interface Expected {
  commandId: string;
  arrival: number;
  priority: number;
  idempotent: boolean;
  retries: boolean;
  status: CommandStatus;
  attempt: number;
  revision: number;
  /** The last run. */
  run: RunKey | null;
  started: boolean;
  cancelAsked: boolean;
}

type Step =
  | { do: "queue"; priority: number; idempotent: boolean; retries: boolean }
  | { do: "connect"; loseLedger: boolean }
  | { do: "assign"; slots: number }
  | { do: "start" | "refuse" | "cancel" | "repeat"; pick: number }
  | { do: "finish"; pick: number; exitCode: number };

const maxAttempts = 2;
const pick = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("queue" as const),
      priority: fc.integer({ min: 0, max: 10 }),
      idempotent: fc.boolean(),
      retries: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("connect" as const),
      loseLedger: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("assign" as const), slots: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("start" as const), pick }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("finish" as const), pick, exitCode: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("refuse" as const, "cancel" as const, "repeat" as const), pick }),
  },
);

/**
 * A simple agent with an honest ledger and the rules as one reads them in `command.ts`, beside the real store. Each
 * answer of the store is compared at once, all records and the feed at the end.
 */
class Model {
  readonly commands: Expected[] = [];
  readonly ended: RunKey[] = [];
  /** The agent's ledger. */
  private held = new Map<string, HeldCommand & { key: RunKey }>();
  private highest = 0;
  private counter = 0;
  private connected = false;
  private readonly store: CommandStore;
  private readonly agent: TestAgent;

  constructor(store: CommandStore, agent: TestAgent) {
    this.store = store;
    this.agent = agent;
  }

  async run(next: Step): Promise<void> {
    switch (next.do) {
      case "queue":
        return this.queue(next);
      case "connect":
        return this.connect(next.loseLedger);
      case "assign":
        return this.assign(next.slots);
      case "start":
        return this.start(next.pick);
      case "finish":
        return this.finish(next.pick, next.exitCode);
      case "refuse":
        return this.refuse(next.pick);
      case "cancel":
        return this.cancel(next.pick);
      case "repeat":
        return this.repeat(next.pick);
    }
  }

  private move(command: Expected, to: CommandStatus): void {
    expect(canMove(command.status, to)).toBe(true);
    command.status = to;
    command.revision += 1;
  }

  private async queue({ priority, idempotent, retries }: Extract<Step, { do: "queue" }>): Promise<void> {
    const retry = retries ? { maxAttempts, on: ["exit_code" as const, "ledger_lost" as const] } : null;
    const commandId = await this.agent.queue({ priority, idempotent, retry });
    const asked = { commandId, arrival: this.commands.length, priority, idempotent, retries };
    const now = { status: "queued", attempt: 1, revision: 1, run: null, started: false, cancelAsked: false } as const;
    this.commands.push({ ...asked, ...now });
  }

  private async connect(loseLedger: boolean): Promise<void> {
    if (loseLedger) {
      if (this.connected) {
        const other = { ...this.agent.hello(), ledgerId: randomUUID() };
        expect(await this.store.openSession(other)).toMatchObject({ kind: "in_use" });
        await this.store.closeSession(this.agent.agentId, this.agent.epoch, "connection_lost", null);
      }
      this.agent.ledgerId = randomUUID();
      this.held.clear();
      this.highest = 0;
    } else if (this.highest > 0) {
      expect(await this.store.openSession(this.agent.hello({ highest: this.highest - 1 }))).toEqual({
        kind: "restored_copy",
      });
    }
    const held = [...this.held.values()].map(({ commandId, assignNo, attempt, state }) => ({
      commandId,
      assignNo,
      attempt,
      state,
    }));
    const before = this.agent.epoch;
    const opened = await this.agent.connect({ highest: this.highest, held });
    expect(opened.epoch).toBe(before + 1);
    this.connected = true;
    const kept: string[] = [];
    for (const command of this.commands.filter(({ status }) => status === "assigned")) {
      const entry = this.held.get(command.commandId);
      if (entry?.state === "running" && entry.assignNo === command.run?.assignNo) {
        kept.push(command.commandId);
        command.started = true;
      } else if (command.run?.ledgerId === this.agent.ledgerId && !command.started) {
        this.move(command, command.cancelAsked ? "cancelled" : "queued");
      } else this.lose(command);
    }
    expect(opened.kept.map(({ commandId }) => commandId).toSorted()).toEqual(kept.toSorted());
    // The agent ends what isn't current, and forgets what it refused.
    for (const [id, entry] of this.held) if (entry.state !== "running" || !kept.includes(id)) this.held.delete(id);
    expect(opened.stop.every(({ commandId }) => !kept.includes(commandId))).toBe(true);
  }

  private lose(command: Expected): void {
    const again = !command.cancelAsked && (command.idempotent || (command.retries && command.attempt < maxAttempts));
    this.move(command, again ? "queued" : "failed");
    if (!again) return;
    command.attempt += 1;
    command.started = false;
  }

  private async assign(slots: number): Promise<void> {
    if (!this.connected) return;
    const due = this.commands
      .filter(({ status }) => status === "queued")
      .toSorted((a, b) => b.priority - a.priority || a.arrival - b.arrival)
      .slice(0, slots);
    const assigned = await this.agent.assign({ work: slots });
    expect(assigned.map(({ commandId }) => commandId)).toEqual(due.map(({ commandId }) => commandId));
    for (const [n, command] of due.entries()) {
      this.counter += 1;
      expect(assigned[n]).toMatchObject({ attempt: command.attempt, assignNo: this.counter, epoch: this.agent.epoch });
      this.move(command, "assigned");
      const { agentId, ledgerId } = this.agent;
      command.run = {
        agentId,
        ledgerId,
        commandId: command.commandId,
        attempt: command.attempt,
        assignNo: this.counter,
      };
      command.started = false;
    }
  }

  /** An assigned command that the agent hasn't answered yet. */
  private unanswered(at: number): (Expected & { run: RunKey }) | null {
    const open = this.commands.filter(
      (each): each is Expected & { run: RunKey } =>
        each.status === "assigned" && each.run !== null && !this.held.has(each.commandId),
    );
    return open[at % Math.max(1, open.length)] ?? null;
  }

  private async start(at: number): Promise<void> {
    const command = this.unanswered(at);
    if (command === null) return;
    expect(await this.store.started({ ...command.run, recorded: true })).toBe("applied");
    const { commandId, assignNo, attempt } = command.run;
    this.held.set(commandId, { commandId, assignNo, attempt, state: "running", key: command.run });
    this.highest = Math.max(this.highest, assignNo);
    command.started = true;
  }

  private async refuse(at: number): Promise<void> {
    const command = this.unanswered(at);
    if (command === null) return;
    const to = command.cancelAsked ? "cancelled" : "queued";
    const answer = await this.store.refused({ ...command.run, recorded: true, reason: "busy" });
    expect(answer).toBe(to === "queued" ? "requeued" : "cancelled");
    this.highest = Math.max(this.highest, command.run.assignNo);
    this.move(command, to);
  }

  private async finish(at: number, exitCode: number): Promise<void> {
    const running = [...this.held.values()];
    const entry = running[at % Math.max(1, running.length)];
    const command = this.commands.find(({ commandId }) => commandId === entry?.commandId);
    if (entry === undefined || command === undefined) return;
    this.held.delete(entry.commandId);
    this.ended.push(entry.key);
    const answer = await this.store.result(exited(entry.key, { exitCode }));
    if (exitCode > 0 && command.retries && command.attempt < maxAttempts && !command.cancelAsked) {
      expect(answer).toEqual({ kind: "retried" });
      this.move(command, "queued");
      command.attempt += 1;
      command.started = false;
    } else {
      const status = exitCode === 0 ? "completed" : "failed";
      expect(answer).toEqual({ kind: "applied", status });
      this.move(command, status);
    }
  }

  private async cancel(at: number): Promise<void> {
    // Mostly one that still can be cancelled.
    const live = this.commands.filter(({ status }) => !isTerminal(status));
    const from = live.length > 0 && at % 4 > 0 ? live : this.commands;
    const command = from[at % Math.max(1, from.length)];
    if (command === undefined) return;
    const { kind } = await this.store.cancel(this.agent.companyId, command.commandId);
    if (isTerminal(command.status)) expect(kind).toBe("already_ended");
    else if (command.status === "assigned") {
      expect(kind).toBe("requested");
      command.cancelAsked = true;
    } else {
      expect(kind).toBe("cancelled");
      this.move(command, "cancelled");
    }
  }

  /** An old answer comes again: nothing changes. */
  private async repeat(at: number): Promise<void> {
    const key = this.ended[at % Math.max(1, this.ended.length)];
    if (key === undefined) return;
    const { kind } = await this.store.result(exited(key, { exitCode: 9 }));
    expect(["duplicate", "unknown"]).toContain(kind);
    expect(await this.store.started({ ...key, recorded: true })).toBe("stale");
  }
}

async function feedOf(store: CommandStore, from: string, companyId: string, expected: number): Promise<FeedEntry[]> {
  return eventually(
    async () => {
      const { entries } = await store.readFeed(from, 1000, companyId);
      const commands = entries.filter(({ commandId }) => commandId !== null);
      return commands.length >= expected && commands;
    },
    { deadlineMs: 5_000, what: `${expected} feed entries` },
  );
}

export function describeModel(open: OpenStore): void {
  describe("any course of events", () => {
    // However slow the machine, nobody goes silent.
    const under = useStore(open, { holderTimeoutMs: 600_000 });

    it("leaves each command in the state that the rules give, told by the feed step by step", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 60, size: "max" }), async (steps) => {
          // At least one entry, so that the feed can be waited for.
          await under.store.enqueue(newCommand());
          const from = await under.store.feedEnd();
          const agent = await enrolAgent(under.store);
          const model = new Model(under.store, agent);
          await model.run({ do: "connect", loseLedger: false });
          for (const each of steps) await model.run(each);

          for (const { commandId, status, attempt, revision, started, cancelAsked } of model.commands) {
            const command = await agent.command(commandId);
            expect(command).toMatchObject({ commandId, status, attempt, revision });
            if (status === "assigned") expect(command.startedAt !== null).toBe(started);
            if (cancelAsked) expect(command.cancelRequestedAt).not.toBeNull();
            expect(command.result !== null).toBe(isTerminal(status));
          }
          const total = model.commands.reduce((sum, { revision }) => sum + revision, 0);
          if (total === 0) return;
          const entries = await feedOf(under.store, from, agent.companyId, total);
          expect(entries).toHaveLength(total);
          for (const { commandId, status } of model.commands) {
            const told = entries
              .filter((entry) => entry.commandId === commandId)
              .toSorted((a, b) => (a.revision ?? 0) - (b.revision ?? 0));
            expect(told.map(({ revision }) => revision)).toEqual(told.map((_, n) => n + 1));
            const states = told.map(({ kind }) => kind.slice("command.".length) as CommandStatus);
            expect(states[0]).toBe("queued");
            expect(states.at(-1)).toBe(status);
            for (let n = 1; n < states.length; n++)
              expect(canMove(states[n - 1] ?? "expired", states[n] ?? "expired")).toBe(true);
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}
