import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { keptSessions, type SessionRecord } from "../../src/store/command-store.ts";
import { enrolAgent, fresh, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

export function describeSessionHistory(open: OpenStore): void {
  describe("the history of an agent's sessions", () => {
    // However slow the machine, nobody goes silent.
    const under = useStore(open, { holderTimeoutMs: 600_000 });

    async function history({ companyId, agentId }: TestAgent, limit = 100): Promise<SessionRecord[]> {
      const sessions = await under.store.agentSessions(companyId, agentId, limit);
      if (sessions === null) throw new Error(`there is no agent ${agentId}`);
      return sessions;
    }

    it("is the company's own, and empty before the first session", async () => {
      const agent = await enrolAgent(under.store);
      expect(await history(agent)).toEqual([]);
      expect(await under.store.agentSessions(fresh("company"), agent.agentId, 5)).toBeNull();
      expect(await under.store.agentSessions(agent.companyId, fresh("agent"), 5)).toBeNull();
    });

    it("has the open session, and of each that ended when and why", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const { serverId } = under;
      const open = { epoch: 1, serverId, disconnectedAt: null, reason: null, detail: null };
      expect(await history(agent)).toMatchObject([open]);
      await under.store.closeSession(agent.agentId, 1, "heartbeat_timeout", "silent for 30 s\0");
      await under.store.closeSession(agent.agentId, 1, "agent_closed", null);
      const closed = { epoch: 1, serverId, reason: "heartbeat_timeout", detail: "silent for 30 s\ufffd" };
      const [ended, ...rest] = await history(agent);
      expect([ended, rest]).toMatchObject([closed, []]);
      expect(ended?.disconnectedAt?.getTime()).toBeGreaterThanOrEqual(ended?.connectedAt.getTime() ?? Infinity);

      await agent.connect();
      await agent.connect();
      await under.store.revokeAgent(agent.companyId, agent.agentId);
      await under.store.revokeAgent(agent.companyId, agent.agentId);
      expect(await history(agent)).toMatchObject([
        { epoch: 3, reason: "revoked", disconnectedAt: expect.any(Date) },
        { epoch: 2, reason: "superseded", disconnectedAt: expect.any(Date) },
        closed,
      ]);
      expect(await history(agent, 2)).toMatchObject([{ epoch: 3 }, { epoch: 2 }]);
    });

    it("has none for hellos that were refused", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect({ highest: 5 });
      await under.store.openSession({ ...agent.hello(), ledgerId: randomUUID() });
      await under.store.openSession(agent.hello({ highest: 4 }));
      expect(await history(agent)).toMatchObject([{ epoch: 1, reason: null }]);
    });

    it("keeps the last ones, wherever epochs jump to", async () => {
      const agent = await enrolAgent(under.store);
      const epochs: number[] = [];
      for (let n = 0; n < keptSessions + 7; n++) {
        // Seen epochs as after a store that forgot some.
        await agent.connect({ seenEpoch: agent.epoch + (n % 3) * 17 });
        epochs.push(agent.epoch);
      }
      const newest = epochs.toReversed();
      expect((await history(agent)).map(({ epoch }) => epoch)).toEqual(newest.slice(0, keptSessions));
      await under.store.closeSession(agent.agentId, agent.epoch, "connection_lost", null);
      const kept = await history(agent);
      expect(kept.map(({ epoch }) => epoch)).toEqual(newest.slice(0, keptSessions));
      expect(kept.map(({ reason }) => reason)).toEqual([
        "connection_lost",
        ...Array.from({ length: keptSessions - 1 }, () => "superseded"),
      ]);
    });

    it("goes on when the id is enrolled anew", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      await under.store.revokeAgent(agent.companyId, agent.agentId);
      const again = await enrolAgent(under.store, agent.ids);
      await again.connect();
      expect(await history(again)).toMatchObject([
        { epoch: 2, reason: null },
        { epoch: 1, reason: "revoked" },
      ]);
    });
  });

  describe("the history of agents whose server is lost", () => {
    const under = useStore(open, { holderTimeoutMs: 150 });

    it("says so", async () => {
      const serverId = randomUUID();
      const lost = await under.openSecond(serverId);
      const agents = await Promise.all([1, 2, 3].map(() => enrolAgent(under.store)));
      for (const agent of agents) await agent.connect({}, lost);
      for (const { companyId, agentId } of agents) {
        const [ended] = await eventually(
          async () => {
            await under.store.serverHeartbeat();
            const sessions = await under.store.agentSessions(companyId, agentId, 5);
            return sessions?.[0]?.reason && sessions;
          },
          { deadlineMs: 5_000 },
        );
        expect(ended).toMatchObject({ epoch: 1, serverId, reason: "server_lost", disconnectedAt: expect.any(Date) });
      }
    });
  });

  describe("old sessions", () => {
    const under = useStore(open, { sessionTtlMs: 50 });

    it("are forgotten by the cleanup; the open one never", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      await agent.connect();
      const sessions = () => under.store.agentSessions(agent.companyId, agent.agentId, 5);
      await eventually(
        async () => {
          await under.store.cleanup();
          return (await sessions())?.length === 1;
        },
        { deadlineMs: 5_000, intervalMs: 20 },
      );
      expect(await sessions()).toMatchObject([{ epoch: 2, reason: null }]);
    });
  });
}
