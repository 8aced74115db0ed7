import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { enrolAgent, fresh, profile, useStore, type OpenStore } from "./fixture.ts";

export function describeSessions(open: OpenStore): void {
  describe("agent sessions", () => {
    // However slow the machine, nobody goes silent.
    const under = useStore(open, { holderTimeoutMs: 600_000 });

    it("counts epochs up from the highest that store and agent know", async () => {
      const agent = await enrolAgent(under.store);
      expect(await agent.connect()).toMatchObject({
        kind: "opened",
        epoch: 1,
        companyId: agent.companyId,
        superseded: null,
      });
      expect(await agent.connect({ seenEpoch: 0 })).toMatchObject({ epoch: 2 });
      expect(await agent.connect({ seenEpoch: 40 })).toMatchObject({ epoch: 41 });
    });

    it("knows no agent that didn't enrol, and refuses a revoked one", async () => {
      const agent = await enrolAgent(under.store);
      expect(await under.store.openSession({ ...agent.hello(), agentId: fresh("agent") })).toEqual({
        kind: "agent_unknown",
      });
      await under.store.revokeAgent(agent.companyId, agent.agentId);
      expect(await under.store.openSession(agent.hello())).toEqual({ kind: "revoked" });
    });

    it("shows the agent as its hello describes it", async () => {
      const agent = await enrolAgent(under.store);
      const words = {
        ...profile,
        labels: { os: "linux\0" },
        types: [{ type: "SCAN", parametersSchema: { type: "object" } }],
        concurrency: 7,
      };
      expect(await agent.connect({ profile: words })).toMatchObject({ fleet: "blue" });
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({
        status: "online",
        serverId: under.serverId,
        epoch: agent.epoch,
        fleet: "blue",
        labels: { os: "linux\ufffd" },
        types: words.types,
        concurrency: 7,
      });
      expect(await agent.connect({ profile: { ...words, fleet: "green" } })).toMatchObject({ fleet: "green" });
      await under.store.updateProfile(agent.agentId, agent.epoch, { ...words, draining: true });
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({
        fleet: "green",
        draining: true,
      });
      await under.store.updateProfile(agent.agentId, agent.epoch - 1, { ...words, concurrency: 1 });
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({ concurrency: 7 });
    });

    it("lets the newest session of one ledger win, and tells of the one it replaced", async () => {
      const agent = await enrolAgent(under.store);
      const { epoch } = await agent.connect();
      expect((await agent.connect()).superseded).toEqual({ serverId: under.serverId, epoch });
      const beat = { agentId: agent.agentId, running: 2, load1: 0.25, freeMemoryBytes: 2 ** 40 };
      expect(await under.store.heartbeat([{ ...beat, epoch }])).toEqual([
        { agentId: agent.agentId, why: "superseded" },
      ]);
      expect(await under.store.heartbeat([{ ...beat, epoch: agent.epoch }])).toEqual([]);
      const { running, load1, freeMemoryBytes } = beat;
      expect((await under.store.getAgent(agent.companyId, agent.agentId))?.load).toEqual({
        running,
        load1,
        freeMemoryBytes,
      });
    });

    it("refuses another ledger while the holder is heard of", async () => {
      const agent = await enrolAgent(under.store);
      const { epoch } = await agent.connect();
      const outcome = await under.store.openSession({ ...agent.hello(), ledgerId: randomUUID() });
      expect(outcome).toMatchObject({ kind: "in_use", serverId: under.serverId });
      expect(outcome.kind === "in_use" && outcome.lastSeenMs).toBeLessThan(10_000);
      expect(
        await under.store.heartbeat([{ agentId: agent.agentId, epoch, running: 0, load1: 0, freeMemoryBytes: 0 }]),
      ).toEqual([]);
      await under.store.closeSession(agent.agentId, epoch, "agent_closed", "went away");
      expect(await agent.connect({ ledgerId: randomUUID() })).toMatchObject({ superseded: null });
    });

    it("records why a session ended, of the current one alone", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      await under.store.closeSession(agent.agentId, agent.epoch - 1, "protocol_error", null);
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({ status: "online" });
      await under.store.closeSession(agent.agentId, agent.epoch, "heartbeat_timeout", "silent for 30 s");
      await under.store.closeSession(agent.agentId, agent.epoch, "agent_closed", null);
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({
        status: "offline",
        serverId: null,
        disconnectReason: "heartbeat_timeout",
        disconnectDetail: "silent for 30 s",
        load: null,
      });
    });

    it("answers a batch of heartbeats agent by agent", async () => {
      const agents = await Promise.all(Array.from({ length: 5 }, () => enrolAgent(under.store)));
      for (const agent of agents) await agent.connect();
      const beats = agents.map(({ agentId, epoch }, n) => ({
        agentId,
        epoch: n % 2 ? epoch + 1 : epoch,
        running: n,
        load1: n,
        freeMemoryBytes: n,
      }));
      expect(await under.store.heartbeat(beats)).toEqual(
        [agents[1], agents[3]].map((agent) => ({ agentId: agent?.agentId, why: "session_lost" })),
      );
      expect(await under.store.heartbeat([])).toEqual([]);
    });
  });

  describe("holders that have gone silent", () => {
    const under = useStore(open, { holderTimeoutMs: 1_000 });

    it("lets another ledger in, and ends the old one's runs as lost", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const key = await agent.start();
      await under.store.serverHeartbeat();
      expect(await under.store.openSession({ ...agent.hello(), ledgerId: randomUUID() })).toMatchObject({
        kind: "in_use",
      });
      const hello = { ...agent.hello(), ledgerId: randomUUID() };
      const outcome = await eventually(
        async () => {
          await under.store.serverHeartbeat();
          const tried = await under.store.openSession(hello);
          return tried.kind === "opened" && tried;
        },
        { deadlineMs: 5_000 },
      );
      expect(outcome).toMatchObject({ lost: [key.commandId] });
    });

    it("keeps the holder's right while it is heard of", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const until = performance.now() + 2_000;
      while (performance.now() < until) {
        await under.store.serverHeartbeat();
        expect(
          await under.store.heartbeat([
            { agentId: agent.agentId, epoch: agent.epoch, running: 0, load1: 0, freeMemoryBytes: 0 },
          ]),
        ).toEqual([]);
        expect(await under.store.openSession({ ...agent.hello(), ledgerId: randomUUID() })).toMatchObject({
          kind: "in_use",
        });
      }
    });

    it("closes the sessions of a server that doesn't say any more that it lives", async () => {
      const lost = await under.openSecond(randomUUID());
      const agent = await enrolAgent(under.store);
      await agent.connect({}, lost);
      await eventually(
        async () => {
          await under.store.serverHeartbeat();
          return (await under.store.getAgent(agent.companyId, agent.agentId))?.status === "offline";
        },
        { deadlineMs: 5_000 },
      );
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({
        disconnectReason: "server_lost",
      });
      expect(
        await lost.heartbeat([
          { agentId: agent.agentId, epoch: agent.epoch, running: 0, load1: 0, freeMemoryBytes: 0 },
        ]),
      ).toEqual([{ agentId: agent.agentId, why: "session_lost" }]);
      expect(await agent.connect({}, lost)).toMatchObject({ epoch: agent.epoch });
    });

    it("ends what a former life of the same server had left open", async () => {
      const serverId = randomUUID();
      const former = await under.openSecond(serverId);
      const agent = await enrolAgent(under.store);
      await agent.connect({}, former);
      await under.openSecond(serverId);
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({
        status: "offline",
        disconnectReason: "server_lost",
      });
    });
  });
}
