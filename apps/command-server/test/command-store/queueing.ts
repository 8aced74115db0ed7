import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import type { CommandStatus } from "../../src/commands/command.ts";
import { enrolAgent, exited, fresh, newCommand, useStore, type OpenStore } from "./fixture.ts";

export function describeQueueing(open: OpenStore): void {
  describe("queueing", () => {
    const under = useStore(open);

    it("stores a command as it was given, queued, first attempt, to expire after a day", async () => {
      const agent = await enrolAgent(under.store);
      const command = newCommand({
        ...agent.ids,
        args: ["-a", "", "ünï'\"\\{}"],
        parameters: { deep: [{ a: null, b: 1.5, c: "😀" }] },
        retry: { maxAttempts: 3, on: ["timeout"] },
        priority: 0,
      });
      expect(await under.store.enqueue(command)).toEqual({ kind: "queued", commandId: command.commandId });

      const stored = await agent.command(command.commandId);
      const { type, args, parameters, timeoutMs, priority, idempotent, retry, createdBy } = command;
      expect(stored).toMatchObject({
        command: "uptime",
        type,
        args,
        parameters,
        timeoutMs,
        priority,
        idempotent,
        retry,
        createdBy,
      });
      expect(stored).toMatchObject({ status: "queued", attempt: 1, revision: 1, result: null, lateResult: null });
      expect(stored).toMatchObject({ assignedAt: null, startedAt: null, finishedAt: null, cancelRequestedAt: null });
      expect(stored.expiresAt.getTime() - stored.queuedAt.getTime()).toBe(24 * 3600 * 1000);
    });

    it("tells a command without arguments from one with an empty list of them", async () => {
      const agent = await enrolAgent(under.store);
      expect((await agent.command(await agent.queue({ args: null }))).args).toBeNull();
      expect((await agent.command(await agent.queue({ args: [] }))).args).toEqual([]);
    });

    it("refuses a command for an agent that never enrolled, unless that is allowed", async () => {
      const command = newCommand({ agentId: fresh("agent"), allowUnknownAgent: false });
      expect(await under.store.enqueue(command)).toEqual({ kind: "agent_unknown" });
      expect(await under.store.get(command.companyId, command.commandId)).toBeNull();
      expect(await under.store.enqueue({ ...command, allowUnknownAgent: true })).toMatchObject({ kind: "queued" });
    });

    it("knows another company's agent as little as one that isn't there, allowed or not", async () => {
      const agent = await enrolAgent(under.store);
      for (const allowUnknownAgent of [false, true]) {
        const command = newCommand({ agentId: agent.agentId, companyId: fresh("company"), allowUnknownAgent });
        expect(await under.store.enqueue(command)).toEqual({ kind: "agent_unknown" });
      }
    });

    it("stores a repeated call once, and says that it is queued", async () => {
      const command = newCommand({ idempotencyKey: { key: fresh("key"), bodyHash: "a" } });
      const answers = await Promise.all([under.store.enqueue(command), under.store.enqueue(command)]);
      answers.push(await under.store.enqueue(command));
      for (const answer of answers) expect(answer).toEqual({ kind: "queued", commandId: command.commandId });
    });

    it("refuses an id that another command has, also another company's", async () => {
      const first = newCommand({ companyId: fresh("company") });
      await under.store.enqueue(first);
      for (const other of [{ companyId: fresh("company") }, { command: "other" }]) {
        await expect(under.store.enqueue({ ...first, ...other })).rejects.toMatchObject({ code: "command_id_taken" });
      }
      expect(await under.store.get(first.companyId, first.commandId)).toMatchObject({ command: "uptime" });
    });

    it("leaves the idempotency key of a command whose id is taken to the next one", async () => {
      const taken = newCommand({ companyId: fresh("company") });
      await under.store.enqueue(taken);
      const mine = { companyId: fresh("company"), idempotencyKey: { key: fresh("key"), bodyHash: "a" } };
      const second = newCommand({ ...mine, commandId: taken.commandId });
      await expect(under.store.enqueue(second)).rejects.toMatchObject({ code: "command_id_taken" });
      const third = newCommand(mine);
      expect(await under.store.enqueue(third)).toEqual({ kind: "queued", commandId: third.commandId });
    });

    it("answers a used idempotency key with the command and its status, and refuses another body", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const idempotencyKey = { key: fresh("key"), bodyHash: "a" };
      const key = await agent.run({ idempotencyKey });
      await under.store.result(exited(key));

      const again = newCommand({ ...agent.ids, idempotencyKey });
      const duplicate = { kind: "duplicate", commandId: key.commandId, status: "completed" };
      expect(await under.store.enqueue(again)).toEqual(duplicate);
      expect(await under.store.get(agent.companyId, again.commandId)).toBeNull();
      const otherBody = { ...again, idempotencyKey: { ...idempotencyKey, bodyHash: "b" } };
      expect(await under.store.enqueue(otherBody)).toEqual({ kind: "key_reused" });
    });

    it("keeps the idempotency keys of companies apart", async () => {
      const idempotencyKey = { key: fresh("key"), bodyHash: "a" };
      for (const companyId of [fresh("company"), fresh("company")]) {
        const answer = await under.store.enqueue(newCommand({ companyId, agentId: fresh("agent"), idempotencyKey }));
        expect(answer.kind).toBe("queued");
      }
    });

    it("stores one command for one key, however many calls and servers race", async () => {
      const second = await under.openSecond(uuidv7());
      const keys = Array.from({ length: 5 }, () => fresh("key"));
      const calls = Array.from({ length: 100 }, (_, n) => {
        const idempotencyKey = { key: keys[n % keys.length] ?? "", bodyHash: "a" };
        return (n % 2 ? under.store : second).enqueue(newCommand({ idempotencyKey }));
      });
      const answers = await Promise.all(calls);
      const ids = answers.map((answer) => ("commandId" in answer ? answer.commandId : answer.kind));
      expect(new Set(ids).size).toBe(keys.length);
      expect(answers.filter(({ kind }) => kind === "queued")).toHaveLength(keys.length);
      await second.close();
    });

    it("refuses text that can't be stored, without harm to what is queued beside it", async () => {
      const bad = [
        newCommand({ command: "a\0b" }),
        newCommand({ parameters: { a: ["\ud800"] } }),
        newCommand({ args: ["\0"] }),
      ];
      const good = [newCommand(), newCommand()];
      const answers = await Promise.allSettled([...bad, ...good].map((command) => under.store.enqueue(command)));
      expect(answers.map(({ status }) => status)).toEqual([
        "rejected",
        "rejected",
        "rejected",
        "fulfilled",
        "fulfilled",
      ]);
      expect(answers[0]).toMatchObject({ reason: { code: "unstorable_text" } });
    });

    it("refuses a row that breaks a rule of the store alone, its neighbours in the batch are stored", async () => {
      const commands = Array.from({ length: 20 }, (_, n) => newCommand({ priority: n === 7 ? 99 : 5 }));
      const answers = await Promise.allSettled(commands.map((command) => under.store.enqueue(command)));
      expect(answers.map(({ status }) => status === "fulfilled")).toEqual(commands.map((_, n) => n !== 7));
    });

    it("counts the commands that haven't ended", async () => {
      const depth = await (await under.openSecond(uuidv7())).depth();
      expect(depth.queued).toBeGreaterThan(0);
      expect(depth.assigned).toBeGreaterThanOrEqual(0);
    });
  });
}

export function describeListing(open: OpenStore): void {
  describe("listing", () => {
    const under = useStore(open);

    it("pages through everything once, newest first", async () => {
      const agent = await enrolAgent(under.store);
      const ids: string[] = [];
      for (let n = 0; n < 7; n++) ids.push(await agent.queue());
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await under.store.list({ companyId: agent.companyId, limit: 3, cursor });
        expect(page.items.length).toBeLessThanOrEqual(3);
        seen.push(...page.items.map(({ commandId }) => commandId));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(ids.toReversed());
    });

    it("filters by agent, status and type", async () => {
      const companyId = fresh("company");
      const [one, two] = [await enrolAgent(under.store, { companyId }), await enrolAgent(under.store, { companyId })];
      await one.connect();
      const done = await one.run();
      await under.store.result(exited(done));
      const ping = await one.queue({ type: "PING" });
      const other = await two.queue();
      const ids = async (filter: { agentId?: string; statuses?: CommandStatus[]; type?: string }) => {
        const page = await under.store.list({ companyId, limit: 10, cursor: null, ...filter });
        return page.items.map(({ commandId }) => commandId);
      };
      expect(await ids({})).toEqual([other, ping, done.commandId]);
      expect(await ids({ agentId: two.agentId })).toEqual([other]);
      expect(await ids({ statuses: ["completed", "failed"] })).toEqual([done.commandId]);
      expect(await ids({ statuses: [] })).toEqual([]);
      expect(await ids({ agentId: one.agentId, statuses: ["queued"], type: "PING" })).toEqual([ping]);
      expect(await ids({ type: "nothing" })).toEqual([]);
    });

    it("refuses a cursor that isn't its own", async () => {
      for (const cursor of ["", "?", "AA==", "AAAA"]) {
        const listing = under.store.list({ companyId: "default", limit: 1, cursor });
        await expect(listing).rejects.toMatchObject({ code: "invalid_cursor" });
        const agents = under.store.listAgents({ companyId: "default", limit: 1, cursor });
        await expect(agents).rejects.toMatchObject({ code: "invalid_cursor" });
      }
    });

    it("shows a company nothing of another one's, whatever it asks for", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const key = await agent.start();
      await under.store.appendOutput({ ...key, offset: 0, stream: "stdout", data: Buffer.from("secret") });
      const other = fresh("company");
      expect(await under.store.get(other, key.commandId)).toBeNull();
      expect(await under.store.readOutput(other, key.commandId, 0, 100)).toBeNull();
      expect(await under.store.cancel(other, key.commandId)).toEqual({ kind: "not_found" });
      expect(
        (await under.store.list({ companyId: other, agentId: agent.agentId, limit: 5, cursor: null })).items,
      ).toEqual([]);
      expect(await under.store.getAgent(other, agent.agentId)).toBeNull();
      expect((await under.store.listAgents({ companyId: other, limit: 5, cursor: null })).items).toEqual([]);
      expect(await under.store.revokeAgent(other, agent.agentId)).toBe(false);
      expect((await under.store.readFeed(null, 100, other)).entries).toEqual([]);
      expect((await agent.command(key.commandId)).cancelRequestedAt).toBeNull();
      expect(
        await under.store.heartbeat([
          { agentId: agent.agentId, epoch: agent.epoch, running: 1, load1: 0, freeMemoryBytes: 1 },
        ]),
      ).toEqual([]);
    });
  });
}
