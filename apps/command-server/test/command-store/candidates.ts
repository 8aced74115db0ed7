import { describe, expect, it } from "vitest";
import type { AgentProfile, AgentSelection, Candidate } from "../../src/store/command-store.ts";
import { enrolAgent, fresh, profile, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

const schema = { type: "object", required: ["depth"] };
const scan = { type: "SCAN", parametersSchema: schema };
const shell = { type: "SHELL", parametersSchema: null };

function places(agents: TestAgent[], found: { agentId: string }[]): number[] {
  return found.map(({ agentId }) => agents.findIndex((agent) => agent.agentId === agentId));
}

export function describeCandidates(open: OpenStore): void {
  describe("choosing among agents", () => {
    const under = useStore(open);

    /** Agents of one company in order of their ids, each connected with this profile; null: never. */
    async function fleetOf(profiles: (Partial<AgentProfile> | null)[]): Promise<TestAgent[]> {
      const companyId = fresh("company");
      const agents: TestAgent[] = [];
      for (const [n, change] of profiles.entries()) {
        const agent = await enrolAgent(under.store, { companyId, agentId: fresh(`a${n}`) });
        if (change !== null) await agent.connect({ profile: { ...profile, ...change } });
        agents.push(agent);
      }
      return agents;
    }

    async function select(agents: TestAgent[], over: Partial<AgentSelection> = {}, offering: string | null = null) {
      const found: Candidate[] = [];
      for (let cursor: string | null = null; ;) {
        const companyId = agents[0]?.companyId ?? "";
        const page = await under.store.selectAgents({ companyId, ...over, offering, limit: 2, cursor });
        found.push(...page.items);
        if (page.nextCursor === null) return found;
        cursor = page.nextCursor;
      }
    }

    it("finds those of a company, page by page, by fleet, labels, announced types and presence; never revoked ones", async () => {
      const agents = await fleetOf([
        { fleet: "red", labels: { zone: "a", arch: "arm" }, types: [shell, scan] },
        { labels: { zone: "a" }, types: [scan] },
        null,
        { fleet: "red" },
        { labels: { zone: "a", arch: "arm" } },
        { draining: true },
      ]);
      const [, , , away, revoked] = agents;
      if (away === undefined || revoked === undefined) throw new Error("no agents");
      await under.store.closeSession(away.agentId, away.epoch, "agent_closed", null);
      await under.store.revokeAgent(revoked.companyId, revoked.agentId);
      const found = async (over: Partial<AgentSelection>) => places(agents, await select(agents, over));
      expect(await found({})).toEqual([0, 1, 2, 3, 5]);
      expect(await found({ online: true })).toEqual([0, 1, 5]);
      expect(await found({ fleet: "red" })).toEqual([0, 3]);
      expect(await found({ fleet: "red", online: true })).toEqual([0]);
      expect(await found({ labels: { zone: "a" } })).toEqual([0, 1]);
      expect(await found({ labels: { zone: "a", arch: "arm" } })).toEqual([0]);
      expect(await found({ labels: { zone: "b" } })).toEqual([]);
      expect(await found({ capabilities: ["SCAN"] })).toEqual([0, 1]);
      expect(await found({ capabilities: ["SCAN", "SHELL"] })).toEqual([0]);
      expect(await found({ capabilities: [], labels: {} })).toEqual([0, 1, 2, 3, 5]);
      expect(await found({ companyId: fresh("company") })).toEqual([]);
      expect((await select(agents)).map(({ online, draining }) => [online, draining])).toEqual([
        [true, false],
        [true, false],
        [false, false],
        [false, false],
        [true, true],
      ]);
    });

    it("says who offers a type, and with which schema", async () => {
      const other = { type: "object", required: ["height"] };
      const agents = await fleetOf([
        { types: [shell, scan] },
        { types: [shell] },
        null,
        { types: [{ type: "SCAN", parametersSchema: null }] },
        { types: [{ type: "SCAN", parametersSchema: other }] },
        { types: [scan] },
      ]);
      const offers = (await select(agents, {}, "SCAN")).map(({ offers: yes, parametersSchema }) => [
        yes,
        parametersSchema,
      ]);
      expect(offers).toEqual([
        [true, schema],
        [false, null],
        [false, null],
        [true, null],
        [true, other],
        [true, schema],
      ]);
      expect((await select(agents)).map((candidate) => candidate.offers)).not.toContain(true);
    });

    it("refuses a cursor that isn't its own", async () => {
      const query = { companyId: "default", offering: null, limit: 1, cursor: "AA==" };
      await expect(under.store.selectAgents(query)).rejects.toMatchObject({ code: "invalid_cursor" });
    });

    it("finds the least loaded: by what it runs for its concurrency, then what waits for it, then its machine's load", async () => {
      const agents = await fleetOf([
        { concurrency: 2, types: [shell, scan] },
        { concurrency: 4 },
        { concurrency: 4 },
        { concurrency: 4, types: [scan] },
        { draining: true },
        null,
      ]);
      const [half, quarter, waitedFor, loaded] = agents;
      if (!half || !quarter || !waitedFor || !loaded) throw new Error("no agents");
      await half.run();
      await quarter.run();
      await waitedFor.queue();
      await under.store.heartbeat([
        { agentId: loaded.agentId, epoch: loaded.epoch, running: 0, load1: 9, freeMemoryBytes: 0 },
      ]);
      const { companyId } = half;
      const least = (over: Partial<AgentSelection> = {}, limit = 10) =>
        under.store.leastLoadedAgents({ companyId, ...over, offering: "SCAN", limit });
      const found = await least();
      expect(places(agents, found)).toEqual([3, 2, 1, 0]);
      expect(found.map(({ load, queued, offers }) => [load, queued, offers])).toEqual([
        [0, 0, true],
        [0, 1, false],
        [0.25, 0, false],
        [0.5, 0, true],
      ]);
      expect(found[0]?.parametersSchema).toEqual(schema);
      expect(places(agents, await least({}, 2))).toEqual([3, 2]);
      expect(places(agents, await least({ capabilities: ["SCAN"] }))).toEqual([3, 0]);
      await under.store.closeSession(loaded.agentId, loaded.epoch, "agent_closed", null);
      expect(places(agents, await least({ capabilities: ["SCAN"] }))).toEqual([0]);
      expect(await least({ companyId: fresh("company") })).toEqual([]);
    });
  });
}
