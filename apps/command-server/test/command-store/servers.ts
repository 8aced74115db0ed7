import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { eventually } from "@fleetwire/testbed";
import type { CommandStore, EndedRun, WatchEvent } from "../../src/store/command-store.ts";
import {
  enrolAgent,
  exited,
  fresh,
  keyOf,
  newCommand,
  useStore,
  type BreakableStore,
  type OpenStore,
  type TestAgent,
} from "./fixture.ts";

/** What a store signals to its server. */
function signalsOf(store: CommandStore) {
  const heard = {
    woken: [] as string[],
    cancelled: [] as string[],
    stopped: [] as EndedRun[],
    dropped: [] as unknown[],
  };
  store.onSignal({
    wake: (ids) => void heard.woken.push(...ids),
    cancel: (ids) => void heard.cancelled.push(...ids),
    stop: (runs) => void heard.stopped.push(...runs),
    drop: (...what) => void heard.dropped.push(what),
  });
  return heard;
}

const soon = { deadlineMs: 500 };

export function describeServers(open: OpenStore): void {
  describe("two servers on one store", () => {
    const under = useStore(open);

    it("wake, cancel and drop each other's sessions, and only the holder hears of it", async () => {
      const second = await under.openSecond(randomUUID());
      const here = signalsOf(under.store);
      const there = signalsOf(second);
      const agent = await enrolAgent(under.store);
      await agent.connect({}, second);

      const commandId = await agent.queue();
      await eventually(() => there.woken.includes(agent.agentId), soon);
      await agent.assign({}, second);
      await under.store.cancel(agent.companyId, commandId);
      await eventually(() => there.cancelled.includes(agent.agentId), soon);

      const { epoch } = agent;
      await agent.connect({ highest: 1 });
      await eventually(() => there.dropped.length > 0, soon);
      expect(there.dropped).toEqual([[agent.agentId, epoch, "superseded"]]);
      expect(here).toEqual({ woken: [], cancelled: [], stopped: [], dropped: [] });

      await second.revokeAgent(agent.companyId, agent.agentId);
      await eventually(() => here.dropped.length > 0, soon);
      expect(here.dropped).toEqual([[agent.agentId, agent.epoch, "revoked"]]);
      await second.close();
    });

    it("go by one clock, and tell what it says", async () => {
      const second = await under.openSecond(randomUUID());
      const first = await under.store.time();
      const agent = await enrolAgent(under.store);
      const { queuedAt } = await agent.command(await agent.queue());
      const last = await second.time();
      expect(first.getTime()).toBeLessThanOrEqual(queuedAt.getTime());
      expect(queuedAt.getTime()).toBeLessThanOrEqual(last.getTime() + 1);
      await second.close();
    });

    it("wake hundreds of agents at once", async () => {
      const second = await under.openSecond(randomUUID());
      const there = signalsOf(second);
      const agents = await Promise.all(
        Array.from({ length: 200 }, () => enrolAgent(under.store, { agentId: `${"a".repeat(90)}-${randomUUID()}` })),
      );
      await Promise.all(agents.map((agent) => agent.connect({}, second)));
      await Promise.all(agents.map((agent) => agent.queue()));
      const woken = eventually(() => new Set(there.woken).size === agents.length, { deadlineMs: 2_000 });
      await expect(woken).resolves.toBe(true);
      await second.close();
    });

    it("share sessions and dispatch: what one queues, another assigns and ends", async () => {
      const second = await under.openSecond(randomUUID());
      const agent = await enrolAgent(under.store);
      await agent.connect({}, second);
      const commandId = await agent.queue();
      const [assignment] = await agent.assign({}, second);
      if (assignment === undefined) throw new Error("nothing was assigned");
      const key = {
        agentId: agent.agentId,
        ledgerId: agent.ledgerId,
        commandId,
        attempt: 1,
        assignNo: assignment.assignNo,
      };
      expect(await second.started({ ...key, recorded: true })).toBe("applied");
      expect(await under.store.result(exited(key))).toEqual({ kind: "applied", status: "completed" });
      await second.close();
    });
  });

  describe("what the sweep ends", () => {
    const under = useStore(open, { startGraceMs: 40, timeoutGraceMs: 40 });

    it("is told to the server that holds the agent's session, whoever sweeps", async () => {
      const second = await under.openSecond(randomUUID());
      const [here, there] = [signalsOf(under.store), signalsOf(second)];
      const agents = Array.from({ length: 40 }, () => enrolAgent(under.store, { agentId: fresh("a".repeat(110)) }));
      const [near, gone, ...far] = await Promise.all(agents);
      if (!near || !gone) throw new Error("there are 40 agents");
      await Promise.all([near.connect(), gone.connect({}, second), ...far.map((agent) => agent.connect({}, second))]);
      const run = async (agent: TestAgent): Promise<EndedRun> => {
        await agent.queue({ timeoutMs: 1 });
        const [assignment] = await agent.assign({}, second);
        if (assignment === undefined) throw new Error("nothing was assigned");
        const { agentId, commandId, attempt, assignNo } = assignment;
        await second.started({ ...keyOf(agent, assignment), recorded: true });
        return { agentId, commandId, attempt, assignNo };
      };
      const overdue = await Promise.all(far.map(run));
      await run(gone);
      await second.closeSession(gone.agentId, gone.epoch, "agent_closed", null);
      // Never given to anybody: it expires, and nobody has to stop anything.
      await gone.queue({ expiresAt: new Date(Date.now() - 1) });
      const { ledgerId: _, ...started } = await near.start({ timeoutMs: 1 });

      const swept: string[] = [];
      const sweep = async (): Promise<boolean> => {
        swept.push(...(await under.store.sweep(100)).map(({ commandId }) => commandId));
        return swept.length >= far.length + 3;
      };
      await eventually(sweep, { deadlineMs: 5_000 });
      await eventually(() => there.stopped.length >= far.length, soon);
      expect(new Set(there.stopped)).toEqual(new Set(overdue));
      expect(here.stopped).toEqual([started]);
      await second.close();
    });
  });

  describe("watching", () => {
    const under = useStore(open);

    it("gives a change the content that makes the command before it the command after it", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const commandId = await agent.queue({ retry: { maxAttempts: 2, on: ["exit_code"] } });
      let known = await agent.command(commandId);
      const events: WatchEvent[] = [];
      const off = under.store.watch(commandId, (event) => events.push(event));
      const follow = async (): Promise<void> => {
        for (const event of events.splice(0)) {
          // An adapter may leave the content out; one that gives it gives it whole.
          if (event.kind === "state")
            known = event.change ? { ...known, ...event.change } : await agent.command(commandId);
        }
        expect(known).toEqual(await agent.command(commandId));
      };

      for (const exitCode of [1, 0]) {
        const [assignment] = await agent.assign();
        await follow();
        const { agentId, ledgerId } = agent;
        const { attempt = 0, assignNo = 0 } = assignment ?? {};
        const key = { agentId, ledgerId, commandId, attempt, assignNo };
        await under.store.started({ ...key, recorded: true });
        await under.store.cancel("another company", commandId);
        await under.store.result({ ...exited(key), exitCode });
        await follow();
      }
      expect(known).toMatchObject({ status: "completed", attempt: 2, result: { exitCode: 0 } });
      off();
    });

    it("tells right away of changes by this server, within 500 ms of another's, output included", async () => {
      const second = await under.openSecond(randomUUID());
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const commandId = await agent.queue();
      const [near, far] = [[] as WatchEvent[], [] as WatchEvent[]];
      const off = [
        under.store.watch(commandId, (event) => near.push(event)),
        second.watch(commandId, (event) => far.push(event)),
      ];

      const [assignment] = await agent.assign();
      if (assignment === undefined) throw new Error("nothing was assigned");
      expect(near).toMatchObject([{ kind: "state", commandId, status: "assigned", revision: 2 }]);
      await eventually(() => far.some((event) => event.kind === "state" && event.revision === 2), soon);

      const key = {
        agentId: agent.agentId,
        ledgerId: agent.ledgerId,
        commandId,
        attempt: 1,
        assignNo: assignment.assignNo,
      };
      await under.store.appendOutput({ ...key, offset: 0, stream: "stdout", data: Buffer.from("abc") });
      expect(near.at(-1)).toEqual({ kind: "output", commandId, end: 3 });
      await eventually(() => far.some((event) => event.kind === "output" && event.end === 3), soon);

      await under.store.result(exited(key));
      expect(near.at(-1)).toMatchObject({ kind: "state", commandId, status: "completed", revision: 3 });
      await eventually(() => far.some((event) => event.kind === "state" && event.status === "completed"), soon);

      const revisions = far.flatMap((event) => (event.kind === "state" ? [event.revision] : []));
      expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
      for (const unsubscribe of off) unsubscribe();
      await second.close();
    });

    it("tells each watcher, nobody after he left, and survives one who throws", async () => {
      const agent = await enrolAgent(under.store);
      const commandId = await agent.queue();
      const told: string[] = [];
      const stopFirst = under.store.watch(commandId, () => told.push("first"));
      under.store.watch(commandId, () => {
        throw new Error("a bad watcher");
      });
      under.store.watch(commandId, () => told.push("second"));
      stopFirst();
      await under.store.cancel(agent.companyId, commandId);
      expect(told).toEqual(["second"]);
    });
  });
}

export function describeOutages(open: OpenStore<BreakableStore>): void {
  describe("a store out of reach", () => {
    const under = useStore(open);

    it("says so with a code, and goes on with everything that was durable when it is back", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const key = await agent.start();
      const command = newCommand(agent.ids);
      const watched: WatchEvent[] = [];
      under.store.watch(key.commandId, (event) => watched.push(event));

      await under.break();
      const beat = { agentId: agent.agentId, epoch: agent.epoch, running: 0, load1: 0, freeMemoryBytes: 0 };
      const output = { ...key, offset: 0, stream: "stdout" as const, data: Buffer.from("x") };
      const calls = [
        () => under.store.ping(),
        () => under.store.enqueue(command),
        () => under.store.get(agent.companyId, key.commandId),
        () => under.store.assign([{ agentId: agent.agentId, epoch: agent.epoch, work: 1, control: 1 }]),
        () => under.store.result(exited(key)),
        () => under.store.appendOutput(output),
        () => under.store.openSession(agent.hello()),
        () => under.store.heartbeat([beat]),
        () => under.store.readFeed(null, 1),
      ];
      try {
        for (const call of calls)
          await expect(call()).rejects.toMatchObject({ code: "store_unavailable", kind: "unavailable" });
      } finally {
        await under.mend();
      }

      await eventually(() => under.store.ping().then(() => true), { deadlineMs: 10_000 });
      expect(await under.store.appendOutput(output)).toBe(1);
      expect(await under.store.result(exited(key, { outputBytes: 1 }))).toEqual({
        kind: "applied",
        status: "completed",
      });
      expect(await under.store.enqueue(command)).toEqual({ kind: "queued", commandId: command.commandId });
      expect(await under.store.heartbeat([beat])).toEqual([]);
      expect((await agent.assign({ work: 5 })).map(({ commandId }) => commandId)).toEqual([command.commandId]);
      expect(watched.at(-1)).toMatchObject({ kind: "state", status: "completed" });
    });

    it("hears signals again when it is back", async () => {
      const second = await under.openSecond(randomUUID());
      const there = signalsOf(second);
      const agent = await enrolAgent(under.store);
      await agent.connect({}, second);
      await under.break();
      await under.mend();
      const woken = eventually(
        async () => {
          await agent.queue();
          return there.woken.includes(agent.agentId);
        },
        { deadlineMs: 10_000, intervalMs: 50 },
      );
      await expect(woken).resolves.toBe(true);
    });
  });
}
