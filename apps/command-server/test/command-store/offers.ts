import { describe, expect, it } from "vitest";
import type { Assignment, CommandStore, SlotOffer } from "../../src/store/command-store.ts";
import { enrolAgent, newCommand, useStore, type BreakableStore, type OpenStore, type TestAgent } from "./fixture.ts";

/** Offers the agent's slots of `store` with this epoch until `off`; what came of each offer, and whom the store woke. */
function offerSlots(store: CommandStore, agent: TestAgent, epoch: () => number = () => agent.epoch) {
  const outcomes: (Assignment | "not taken" | "not known")[] = [];
  const woken: string[] = [];
  const off = store.onSignal({
    wake: (agentIds) => void woken.push(...agentIds),
    cancel: () => {},
    stop: () => {},
    drop: () => {},
    offer: (agentId): SlotOffer | null =>
      agentId === agent.agentId
        ? {
            epoch: epoch(),
            settle: (assignment) => void outcomes.push(assignment ?? "not taken"),
            failed: () => void outcomes.push("not known"),
          }
        : null,
  });
  return { outcomes, woken, off };
}

export function describeOffers(open: OpenStore): void {
  describe("a slot that is offered while a command is stored", () => {
    const under = useStore(open);

    it("is taken in the same step: queued and assigned, with the run's number", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { outcomes, woken, off } = offerSlots(under.store, agent);
      const first = newCommand({ ...agent.ids, parameters: { a: 1 }, traceparent: "00-a", idempotent: true });
      const second = newCommand(agent.ids);
      for (const command of [first, second]) await under.store.enqueue(command);
      off();
      const { commandId, agentId, type, lane, command, args, parameters, timeoutMs, idempotent, traceparent } = first;
      const work = { commandId, agentId, type, lane, command, args, parameters, timeoutMs, idempotent, traceparent };
      expect(outcomes).toEqual([
        { ...work, epoch: agent.epoch, assignNo: 1, attempt: 1, waitedMs: 0, startWindowMs: expect.any(Number) },
        expect.objectContaining({ commandId: second.commandId, assignNo: 2 }),
      ]);
      expect(woken).toEqual([]);
      expect(await agent.command(commandId)).toMatchObject({ status: "assigned", revision: 2, attempt: 1 });
      expect((await agent.command(commandId)).assignedAt).not.toBeNull();
      expect(await agent.assign({ work: 5 })).toEqual([]);

      const feed = await under.store.readFeed(null, 1_000, agent.companyId);
      const told = feed.entries.filter((entry) => entry.commandId === commandId);
      expect(told.map(({ kind, revision }) => [kind, revision])).toEqual([
        ["command.queued", 1],
        ["command.assigned", 2],
      ]);
    });

    it("holds a run like any other: its answer is applied, and a later assignment counts on", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { outcomes, off } = offerSlots(under.store, agent);
      const commandId = await agent.queue();
      off();
      const run = { agentId: agent.agentId, ledgerId: agent.ledgerId, commandId, attempt: 1, assignNo: 1 };
      expect(outcomes).toMatchObject([{ commandId, assignNo: 1 }]);
      expect(await under.store.started({ ...run, recorded: true })).toBe("applied");
      await agent.queue();
      expect(await agent.assign()).toMatchObject([{ assignNo: 2 }]);
    });

    it("is settled by a new session like any other run", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { off } = offerSlots(under.store, agent);
      const commandId = await agent.queue();
      off();
      // The agent never got it.
      await agent.connect();
      expect(await agent.command(commandId)).toMatchObject({ status: "queued", attempt: 1, revision: 3 });
    });

    it("isn't taken where something waits before the command, in that lane", async () => {
      const agent = await enrolAgent(under.store);
      const waiting = await agent.queue();
      await agent.connect();
      const { outcomes, woken, off } = offerSlots(under.store, agent);
      const behind = await agent.queue();
      const control = await agent.queue({ type: "STOP", lane: "control" });
      off();
      expect(outcomes).toMatchObject(["not taken", { commandId: control, lane: "control" }]);
      expect(woken).toEqual([agent.agentId]);
      expect((await agent.assign({ work: 5 })).map(({ commandId }) => commandId)).toEqual([waiting, behind]);
    });

    it("isn't taken by a session that isn't the current one: the command waits, and the holder is woken", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { outcomes, woken, off } = offerSlots(under.store, agent, () => agent.epoch - 1);
      const commandId = await agent.queue();
      off();
      expect(outcomes).toEqual(["not taken"]);
      expect(woken).toEqual([agent.agentId]);
      expect(await agent.command(commandId)).toMatchObject({ status: "queued", revision: 1 });
    });

    it("isn't taken for work where an operator drains the agent", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      const { outcomes, off } = offerSlots(under.store, agent);
      await agent.queue();
      const control = await agent.queue({ type: "STOP", lane: "control" });
      off();
      expect(outcomes).toMatchObject(["not taken", { commandId: control }]);
    });

    it("isn't taken by what has expired, what was there before, and what is refused", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { outcomes, off } = offerSlots(under.store, agent);
      const command = newCommand({ ...agent.ids, idempotencyKey: { key: "k", bodyHash: "h" } });
      await under.store.enqueue(command);
      expect(outcomes).toHaveLength(1);
      await under.store.enqueue(command);
      await under.store.enqueue(newCommand({ ...agent.ids, idempotencyKey: { key: "k", bodyHash: "h" } }));
      await under.store.enqueue(newCommand({ ...agent.ids, companyId: "another" }));
      await under.store.enqueue(newCommand({ ...agent.ids, expiresAt: new Date(Date.now() - 1) }));
      await expect(
        under.store.enqueue(newCommand({ ...agent.ids, commandId: command.commandId, command: "other" })),
      ).rejects.toMatchObject({ code: "command_id_taken" });
      off();
      expect(outcomes.slice(1)).toEqual(Array(5).fill("not taken"));
    });

    it("isn't asked of another server", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const second = await under.openSecond("offers-second");
      const { outcomes, off } = offerSlots(second, agent);
      const commandId = newCommand(agent.ids).commandId;
      await second.enqueue(newCommand({ ...agent.ids, commandId }));
      off();
      expect(outcomes).toEqual([]);
      expect(await agent.assign()).toMatchObject([{ commandId }]);
    });
  });
}

/** Offers where the outcome of storing isn't known. */
export function describeOffersInOutages(open: OpenStore<BreakableStore>): void {
  describe("a slot that is offered while the store goes away", () => {
    const under = useStore(open);

    it("is told that nothing is known", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { outcomes, off } = offerSlots(under.store, agent);
      await under.break();
      await expect(under.store.enqueue(newCommand(agent.ids))).rejects.toMatchObject({ code: "store_unavailable" });
      off();
      expect(outcomes).toEqual(["not known"]);
      await under.mend();
    });
  });
}
