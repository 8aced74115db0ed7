import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import type { Assignment } from "../../src/store/command-store.ts";
import { enrolAgent, fresh, newCommand, useStore, type OpenStore } from "./fixture.ts";

const ids = (assignments: Assignment[]) => assignments.map(({ commandId }) => commandId);

export function describeDispatch(open: OpenStore): void {
  describe("dispatch", () => {
    const under = useStore(open);

    it("assigns the highest priority first, and the oldest within one", async () => {
      const agent = await enrolAgent(under.store);
      const [low, normal, urgent, low2, urgent2] = [
        await agent.queue({ priority: 0 }),
        await agent.queue({ priority: 6 }),
        await agent.queue({ priority: 10 }),
        await agent.queue({ priority: 0 }),
        await agent.queue({ priority: 10 }),
      ];
      await agent.connect();
      expect(ids(await agent.assign({ work: 3 }))).toEqual([urgent, urgent2, normal]);
      expect(ids(await agent.assign({ work: 3 }))).toEqual([low, low2]);
    });

    it("gives everything that the agent needs, and what is left of its time to start", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const command = newCommand({
        ...agent.ids,
        args: ["x"],
        parameters: { a: 1 },
        traceparent: "00-a",
        idempotent: true,
        expiresAt: new Date(Date.now() + 60_000),
      });
      await under.store.enqueue(command);
      const [assignment] = await agent.assign();
      const { commandId, agentId, type, lane, args, parameters, timeoutMs, idempotent, traceparent } = command;
      expect(assignment).toMatchObject({
        commandId,
        agentId,
        type,
        lane,
        args,
        parameters,
        timeoutMs,
        idempotent,
        traceparent,
      });
      expect(assignment).toMatchObject({ epoch: agent.epoch, assignNo: 1, attempt: 1, command: "uptime" });
      expect(assignment?.startWindowMs).toBeGreaterThan(50_000);
      expect(assignment?.startWindowMs).toBeLessThanOrEqual(60_000);
      expect(assignment?.waitedMs).toBeLessThan(10_000);
      expect(await agent.command(commandId)).toMatchObject({
        status: "assigned",
        attempt: 1,
        revision: 2,
        startedAt: null,
      });
    });

    it("fills each lane's own slots: a busy agent still takes control commands", async () => {
      const agent = await enrolAgent(under.store);
      const work = await agent.queue();
      const ping = await agent.queue({ type: "PING" });
      const stop = await agent.queue({ type: "STOP", priority: 9 });
      await agent.connect();
      expect(ids(await agent.assign({ work: 0, control: 1 }))).toEqual([stop]);
      expect(ids(await agent.assign({ work: 0, control: 0 }))).toEqual([]);
      expect(ids(await agent.assign({ work: 5, control: 5 })).toSorted()).toEqual([work, ping].toSorted());
    });

    it("numbers an agent's assignments without a gap or a repeat, through all its sessions", async () => {
      const agent = await enrolAgent(under.store);
      const numbers: number[] = [];
      for (let session = 0; session < 3; session++) {
        await agent.connect();
        for (let n = 0; n < 3; n++) await agent.queue();
        numbers.push(...(await agent.assign({ work: 2 })).map(({ assignNo }) => assignNo));
      }
      expect(numbers).toEqual(numbers.map((_, n) => n + 1));
    });

    it("goes on above the largest number that the agent knows, when the store has forgotten", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect({ highest: 41, horizon: 7 });
      await agent.queue();
      expect((await agent.assign()).map(({ assignNo }) => assignNo)).toEqual([42]);
    });

    it("assigns nothing twice when calls race", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const queued = await Promise.all(Array.from({ length: 40 }, () => agent.queue()));
      const rounds = await Promise.all(Array.from({ length: 10 }, () => agent.assign({ work: 5 })));
      const assigned = rounds.flat();
      // A call that meets another one's rows may come back short; the rest is there for the next.
      for (let more = await agent.assign({ work: 40 }); more.length > 0; more = await agent.assign({ work: 40 }))
        assigned.push(...more);
      expect(ids(assigned).toSorted()).toEqual(queued.toSorted());
      expect(new Set(assigned.map(({ assignNo }) => assignNo)).size).toBe(40);
    });

    it("assigns to many agents in one call, each its own", async () => {
      const agents = await Promise.all(Array.from({ length: 5 }, () => enrolAgent(under.store)));
      for (const agent of agents) await agent.connect();
      const queued = await Promise.all(agents.map((agent) => agent.queue()));
      const requests = agents.map(({ agentId, epoch }) => ({ agentId, epoch, work: 1, control: 1 }));
      const { assignments, stale } = await under.store.assign([
        ...requests,
        { agentId: fresh("agent"), epoch: 1, work: 1, control: 1 },
      ]);
      expect(stale).toHaveLength(1);
      const byAgent = new Map(assignments.map(({ agentId, commandId }) => [agentId, commandId]));
      expect(agents.map(({ agentId }) => byAgent.get(agentId))).toEqual(queued);
    });

    it("assigns nothing to a session that isn't the current one, and says so", async () => {
      const agent = await enrolAgent(under.store);
      const commandId = await agent.queue();
      const request = { agentId: agent.agentId, work: 1, control: 1 };
      const refused = (why: "superseded" | "session_lost") => ({
        assignments: [],
        stale: [{ agentId: agent.agentId, why }],
      });
      expect(await under.store.assign([{ ...request, epoch: 0 }])).toEqual(refused("session_lost"));
      const { epoch } = await agent.connect();
      await agent.connect();
      expect(await under.store.assign([{ ...request, epoch }])).toEqual(refused("superseded"));
      expect(await under.store.assign([{ ...request, epoch: agent.epoch + 1 }])).toEqual(refused("session_lost"));
      const second = await under.openSecond(uuidv7());
      expect(await second.assign([{ ...request, epoch: agent.epoch }])).toEqual(refused("session_lost"));
      await second.close();
      await under.store.closeSession(agent.agentId, agent.epoch, "agent_closed", null);
      expect(await under.store.assign([{ ...request, epoch: agent.epoch }])).toEqual(refused("session_lost"));
      expect((await agent.command(commandId)).status).toBe("queued");
    });

    it("never hands an agent what another company had queued for its id before it enrolled", async () => {
      const agentId = fresh("agent");
      const foreign = newCommand({ agentId, companyId: fresh("company") });
      await under.store.enqueue(foreign);
      const agent = await enrolAgent(under.store, { agentId });
      await agent.connect();
      expect(await under.store.agentsWithWork([agentId])).toEqual([]);
      expect(await agent.assign({ work: 5, control: 5 })).toEqual([]);
      const own = await agent.queue();
      expect(ids(await agent.assign({ work: 5 }))).toEqual([own]);
    });

    it("doesn't assign what has expired, and ends it as expired", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const commandId = await agent.queue({ expiresAt: new Date(Date.now() - 1) });
      expect(await agent.assign()).toEqual([]);
      const swept = await eventually(
        async () => (await under.store.sweep(100)).find((each) => each.commandId === commandId),
        { deadlineMs: 5_000 },
      );
      expect(swept).toMatchObject({ agentId: agent.agentId, status: "expired" });
      const command = await agent.command(commandId);
      expect(command).toMatchObject({
        status: "expired",
        revision: 2,
        result: { exitCode: null, error: "expired", outputBytes: 0 },
      });
      expect(command.finishedAt).not.toBeNull();
    });

    it("finds the connected agents of this server that have work", async () => {
      const [idle, busy, offline] = [
        await enrolAgent(under.store),
        await enrolAgent(under.store),
        await enrolAgent(under.store),
      ];
      for (const agent of [idle, busy]) await agent.connect();
      for (const agent of [busy, offline]) await agent.queue();
      const all = [idle, busy, offline].map(({ agentId }) => agentId);
      expect(await under.store.agentsWithWork(all)).toEqual([busy.agentId]);
      expect(await under.store.agentsWithWork([])).toEqual([]);
      await busy.assign();
      expect(await under.store.agentsWithWork(all)).toEqual([]);
    });

    it("wakes the holder of the agent's session for every command that it queues", async () => {
      const agent = await enrolAgent(under.store);
      const woken: string[] = [];
      const off = under.store.onSignal({
        wake: (agentIds) => void woken.push(...agentIds),
        cancel: () => {},
        stop: () => {},
        drop: () => {},
      });
      await agent.queue();
      expect(woken).toEqual([]);
      await agent.connect();
      await agent.queue();
      await eventually(() => woken.includes(agent.agentId), { deadlineMs: 1_000 });
      off();
      woken.length = 0;
      await agent.queue();
      expect(woken).toEqual([]);
    });

    it("keeps a run's number apart from the next one's of the same command", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const old = await agent.run();
      await under.store.refused({ ...old, recorded: true, reason: "busy" });
      const [again] = await agent.assign();
      expect(again).toMatchObject({ commandId: old.commandId, attempt: 1, assignNo: old.assignNo + 1 });
      expect(await under.store.started({ ...old, recorded: true })).toBe("stale");
      expect(await under.store.started({ ...old, assignNo: old.assignNo + 1, recorded: true })).toBe("applied");
    });
  });

  describe("dispatch with wake-ups turned off", () => {
    const under = useStore(open, { wakeUp: false });

    it("wakes nobody: work waits for the poll", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const woken: string[] = [];
      under.store.onSignal({
        wake: (agentIds) => void woken.push(...agentIds),
        cancel: () => {},
        stop: () => {},
        drop: () => {},
      });
      await agent.queue();
      expect(await under.store.agentsWithWork([agent.agentId])).toEqual([agent.agentId]);
      expect(woken).toEqual([]);
    });
  });
}
