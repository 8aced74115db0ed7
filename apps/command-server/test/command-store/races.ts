import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { canMove, isTerminal, type CommandStatus } from "../../src/commands/command.ts";
import type { Assignment, CommandStore, FeedEntry } from "../../src/store/command-store.ts";
import { enrolAgent, exited, keyOf, useStore, type OpenStore } from "./fixture.ts";

const rounds = 40;

/** Everything that can touch a command, at once and on two servers: the feed tells whether one step at a time came of it. */
export function describeRaces(open: OpenStore): void {
  describe("what races for a command", () => {
    const under = useStore(open, { timeoutGraceMs: 3 });

    it("takes effect one step after the other, each allowed by the one before, and ends it once", async () => {
      const second = await under.openSecond(randomUUID());
      const from = await under.store.feedEnd();
      const agent = await enrolAgent(under.store);
      const assignNos: number[] = [];
      const ids: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const here = round % 2 ? second : under.store;
        const there = round % 2 ? under.store : second;
        await agent.connect({ highest: assignNos.length }, here);
        const retry = { maxAttempts: 3, on: ["exit_code" as const] };
        for (let n = 0; n < 4; n++) ids.push(await agent.queue({ retry, timeoutMs: 1, idempotent: round % 3 === 0 }));
        const assigned = await agent.assign({ work: 4 }, here);
        assignNos.push(...assigned.map(({ assignNo }) => assignNo));
        const more = await raceFor(assigned, here, there);
        assignNos.push(...more.map(({ assignNo }) => assignNo));
      }
      expect(new Set(assignNos).size).toBe(assignNos.length);

      const told = await eventually(() => readToEnd(under.store, from, agent.companyId), { deadlineMs: 5_000 });
      for (const commandId of ids) {
        const command = await agent.command(commandId);
        const steps = told.filter((entry) => entry.commandId === commandId);
        expect(steps.map(({ revision }) => revision).toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
          steps.map((_, index) => index + 1),
        );
        const states = steps.toSorted((a, b) => (a.revision ?? 0) - (b.revision ?? 0)).map(statusOf);
        states.slice(1).forEach((state, index) => expect(canMove(states[index] ?? "queued", state)).toBe(true));
        expect({ status: command.status, revision: command.revision }).toEqual({
          status: states.at(-1),
          revision: states.length,
        });
        expect(command.finishedAt !== null).toBe(isTerminal(command.status));
      }
      await second.close();

      async function raceFor(assigned: Assignment[], here: CommandStore, there: CommandStore): Promise<Assignment[]> {
        const [first, other, third] = assigned.map((assignment) => keyOf(agent, assignment));
        if (!first || !other || !third) throw new Error("too little was assigned");
        const hello = agent.hello({
          highest: Math.max(...assigned.map(({ assignNo }) => assignNo)),
          held: [
            { ...first, state: "running" },
            { ...other, state: "done" },
            { ...third, state: "refused" },
          ],
        });
        const [opened, again] = await Promise.all([
          there.openSession(hello),
          here.assign([{ agentId: agent.agentId, epoch: agent.epoch, work: 4, control: 0 }]),
          here.started({ ...first, recorded: true }),
          here.result(exited(first)),
          there.result(exited(first)),
          there.cancel(agent.companyId, first.commandId),
          here.result(exited(other, { exitCode: 1 })),
          there.cancel(agent.companyId, other.commandId),
          here.refused({ ...third, recorded: true, reason: "busy" }),
          there.cancel(agent.companyId, third.commandId),
          here.appendOutput({ ...other, offset: 0, stream: "stdout", data: Buffer.from("x") }),
          here.sweep(10),
          there.sweep(10),
        ]);
        if (opened.kind === "opened") agent.epoch = opened.epoch;
        return again.assignments;
      }
    });
  });
}

function statusOf({ kind }: FeedEntry): CommandStatus {
  return kind.slice("command.".length) as CommandStatus;
}

/** Every entry of the company from `cursor` on, once no writer is open; null while one is. */
async function readToEnd(store: CommandStore, cursor: string, companyId: string): Promise<FeedEntry[] | null> {
  const entries: FeedEntry[] = [];
  const end = await store.feedEnd();
  for (let at = cursor; ;) {
    const page = await store.readFeed(at, 500, companyId);
    entries.push(...page.entries);
    at = page.cursor;
    if (page.entries.length < 500) return (await store.feedEnd()) === end ? entries : null;
  }
}
