import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import type { Agent, CommandStore } from "../../src/store/command-store.ts";
import { enrolAgent, exited, fresh, profile, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

/** What an operator sees of the agent. */
async function shown(store: CommandStore, { companyId, agentId }: TestAgent): Promise<Agent> {
  const agent = await store.getAgent(companyId, agentId);
  if (agent === null) throw new Error(`there is no agent ${agentId}`);
  return agent;
}

export function describeDrain(open: OpenStore): void {
  describe("an agent that an operator drains", () => {
    const under = useStore(open);

    async function connected(): Promise<TestAgent> {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      return agent;
    }

    it("gets no work, while what runs ends, control commands arrive, and what is queued waits", async () => {
      const agent = await connected();
      const running = await agent.start();
      const waiting = await agent.queue();
      expect(await under.store.requestDrain(agent.companyId, agent.agentId, true)).toBe(true);
      expect(await agent.assign({ work: 5, control: 5 })).toEqual([]);
      const ping = await agent.queue({ type: "PING", lane: "control" });
      expect(await agent.assign({ work: 5, control: 5 })).toMatchObject([{ commandId: ping }]);
      expect(await under.store.result(exited(running))).toEqual({ kind: "applied", status: "completed" });
      expect(await agent.assign({ work: 5 })).toEqual([]);
      expect(await agent.command(waiting)).toMatchObject({ status: "queued", revision: 1 });

      expect(await under.store.requestDrain(agent.companyId, agent.agentId, false)).toBe(true);
      expect(await agent.assign({ work: 5 })).toMatchObject([{ commandId: waiting }]);
    });

    it("isn't found by the poll for work that it doesn't get", async () => {
      const agent = await connected();
      await agent.queue();
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      expect(await under.store.agentsWithWork([agent.agentId])).toEqual([]);
      await agent.queue({ type: "PING", lane: "control" });
      expect(await under.store.agentsWithWork([agent.agentId])).toEqual([agent.agentId]);
      await agent.assign({ work: 0, control: 1 });
      await under.store.requestDrain(agent.companyId, agent.agentId, false);
      expect(await under.store.agentsWithWork([agent.agentId])).toEqual([agent.agentId]);
    });

    it("stays drained through new sessions, hellos that don't drain, and other servers", async () => {
      const agent = await connected();
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      await agent.connect();
      await agent.queue();
      expect(await agent.assign({ work: 1 })).toEqual([]);
      await under.store.closeSession(agent.agentId, agent.epoch, "agent_closed", null);
      const second = await under.openSecond(randomUUID());
      await agent.connect({}, second);
      await second.updateProfile(agent.agentId, agent.epoch, { ...profile, draining: false });
      expect(await agent.assign({ work: 1 }, second)).toEqual([]);
      expect(await shown(second, agent)).toMatchObject({ status: "online", draining: true });
      await second.close();
    });

    it("is shown with why, since when, and apart from its own draining", async () => {
      const agent = await connected();
      expect(await shown(under.store, agent)).toMatchObject({
        draining: false,
        drainReasons: [],
        drainRequestedAt: null,
      });
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      const { drainRequestedAt, ...first } = await shown(under.store, agent);
      expect(first).toMatchObject({ draining: true, drainReasons: ["operator"] });
      expect(drainRequestedAt).toBeInstanceOf(Date);

      await under.store.updateProfile(agent.agentId, agent.epoch, { ...profile, draining: true });
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      const both = await shown(under.store, agent);
      expect(both).toMatchObject({ draining: true, drainRequestedAt });
      expect(both.drainReasons.toSorted()).toEqual(["agent", "operator"]);

      await under.store.requestDrain(agent.companyId, agent.agentId, false);
      expect(await shown(under.store, agent)).toMatchObject({
        draining: true,
        drainReasons: ["agent"],
        drainRequestedAt: null,
      });
      const listed = await under.store.listAgents({ companyId: agent.companyId, limit: 5, cursor: null });
      expect(listed.items).toMatchObject([{ draining: true, drainReasons: ["agent"] }]);
    });

    it("is among the candidates as one that drains, and never the least loaded one", async () => {
      const agent = await connected();
      const query = { companyId: agent.companyId, offering: "SHELL", limit: 5 };
      const candidates = async () => (await under.store.selectAgents({ ...query, cursor: null })).items;
      expect(await under.store.leastLoadedAgents(query)).toMatchObject([{ agentId: agent.agentId, draining: false }]);
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      expect(await candidates()).toMatchObject([{ agentId: agent.agentId, draining: true, online: true }]);
      expect(await under.store.leastLoadedAgents(query)).toEqual([]);
      await under.store.requestDrain(agent.companyId, agent.agentId, false);
      expect(await candidates()).toMatchObject([{ draining: false }]);
      expect(await under.store.leastLoadedAgents(query)).toHaveLength(1);
    });

    it("can be drained before it first connects; of another company, or unknown, it can't", async () => {
      const agent = await enrolAgent(under.store);
      expect(await under.store.requestDrain(fresh("company"), agent.agentId, true)).toBe(false);
      expect(await under.store.requestDrain(agent.companyId, fresh("agent"), true)).toBe(false);
      expect(await shown(under.store, agent)).toMatchObject({ draining: false });
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      await agent.connect();
      await agent.queue();
      expect(await agent.assign()).toEqual([]);
    });

    it("gets nothing once the wish is stored, however many servers were assigning meanwhile", async () => {
      const agent = await connected();
      for (let n = 0; n < 40; n++) await agent.queue();
      const over = new AbortController();
      let given = 0;
      let drained = false;
      const assign = async (): Promise<void> => {
        while (!over.signal.aborted) {
          // Some are left for the drain to keep back, however fast the store is.
          if (given < 30 || drained) {
            const { length } = await agent.assign({ work: 1 });
            given += length;
          } else await nextTurn();
        }
      };
      const assigning = Promise.all([assign(), assign(), assign()]);
      await eventually(async () => (await under.store.list(assignedTo(agent))).items.length > 3, { deadlineMs: 5_000 });
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      drained = true;
      const before = (await under.store.list(assignedTo(agent))).items.length;
      await agent.assign({ work: 1 });
      over.abort();
      await assigning;
      expect(given).toBe(before);
      expect(given).toBeLessThan(40);
    });

    it("is woken at once when it is put back, on whichever server holds it", async () => {
      const second = await under.openSecond(randomUUID());
      const woken: string[] = [];
      second.onSignal({ wake: (ids) => void woken.push(...ids), cancel: () => {}, stop: () => {}, drop: () => {} });
      const agent = await enrolAgent(under.store);
      await agent.connect({}, second);
      await under.store.requestDrain(agent.companyId, agent.agentId, true);
      await under.store.requestDrain(agent.companyId, agent.agentId, false);
      await eventually(() => woken.includes(agent.agentId), { deadlineMs: 500 });
      expect(woken).toEqual([agent.agentId]);
      await second.close();
    });
  });
}

function assignedTo({ agentId, companyId }: TestAgent) {
  return { companyId, agentId, statuses: ["assigned" as const], limit: 100, cursor: null };
}
