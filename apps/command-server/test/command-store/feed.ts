import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import type { CommandStore, FeedEntry } from "../../src/store/command-store.ts";
import { enrolAgent, exited, fresh, newCommand, useStore, type OpenStore } from "./fixture.ts";

/** Everything from `cursor` on that can be read now. */
async function readAll(
  store: CommandStore,
  cursor: string | null,
  limit = 100,
): Promise<{ entries: FeedEntry[]; cursor: string; lost: number }> {
  const all: FeedEntry[] = [];
  let lost = 0;
  for (;;) {
    const page = await store.readFeed(cursor, limit);
    all.push(...page.entries);
    lost += page.lost;
    cursor = page.cursor;
    if (page.entries.length < limit) return { entries: all, cursor, lost };
  }
}

export function describeFeed(open: OpenStore): void {
  describe("the feed", () => {
    const under = useStore(open);

    it("has every transition and connection event, with what a subscriber needs", async () => {
      const from = await under.store.feedEnd();
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const key = await agent.start();
      await under.store.result(exited(key, { exitCode: 4 }));
      await under.store.closeSession(agent.agentId, agent.epoch, "connection_lost", null);
      const { commandId } = key;
      const { entries } = await eventually(
        async () => {
          const read = await readAll(under.store, from);
          return read.entries.length >= 5 && read;
        },
        { deadlineMs: 2_000 },
      );
      expect(entries).toMatchObject([
        { kind: "agent.connected", commandId: null, revision: null, data: { epoch: 1, serverId: under.serverId } },
        {
          kind: "command.queued",
          commandId,
          revision: 1,
          data: { attempt: 1, type: "SHELL", exitCode: null, error: null },
        },
        { kind: "command.assigned", commandId, revision: 2, data: { attempt: 1 } },
        { kind: "command.failed", commandId, revision: 3, data: { attempt: 1, exitCode: 4, error: null } },
        { kind: "agent.disconnected", data: { epoch: 1, serverId: under.serverId, reason: "connection_lost" } },
      ]);
      for (const { companyId, agentId } of entries) expect({ companyId, agentId }).toEqual(agent.ids);
      expect(entries.every(({ at }) => Math.abs(at.getTime() - Date.now()) < 60_000)).toBe(true);
    });

    it("tells of a session that another one replaced", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const from = await under.store.feedEnd();
      await agent.connect();
      const entries = await eventually(
        async () => {
          const read = await readAll(under.store, from);
          return read.entries.length === 2 && read.entries;
        },
        { deadlineMs: 2_000 },
      );
      expect(entries).toMatchObject([
        { kind: "agent.disconnected", data: { epoch: 1, reason: "superseded" } },
        { kind: "agent.connected", data: { epoch: 2 } },
      ]);
    });

    it("goes on after any entry's cursor, and stays at the end while nothing comes", async () => {
      const from = await under.store.feedEnd();
      for (let n = 0; n < 6; n++) await under.store.enqueue(newCommand());
      const whole = await eventually(
        async () => {
          const read = await readAll(under.store, from);
          return read.entries.length === 6 && read;
        },
        { deadlineMs: 2_000 },
      );
      for (const [n, entry] of whole.entries.entries()) {
        const rest = await readAll(under.store, entry.cursor, 2);
        expect(rest.entries).toEqual(whole.entries.slice(n + 1));
        expect(rest.lost).toBe(0);
      }
      expect(await under.store.readFeed(whole.cursor, 10)).toMatchObject({ entries: [], lost: 0 });
    });

    it("gives a company its own entries alone", async () => {
      const companyId = fresh("company");
      const from = await under.store.feedEnd();
      for (const company of ["default", companyId, "default"])
        await under.store.enqueue(newCommand({ companyId: company }));
      const entries = await eventually(
        async () => {
          const read = await under.store.readFeed(from, 10, companyId);
          return read.entries.length > 0 && read.entries;
        },
        { deadlineMs: 2_000 },
      );
      expect(entries.map((entry) => entry.companyId)).toEqual([companyId]);
    });

    it("refuses a cursor that isn't its own", async () => {
      for (const cursor of [
        "",
        "zzz",
        Buffer.from("f1:1:2").toString("base64url"),
        Buffer.from("f1:-1:2:3").toString("base64url"),
      ]) {
        await expect(under.store.readFeed(cursor, 1)).rejects.toMatchObject({ code: "invalid_cursor" });
      }
    });

    it("shows each entry exactly once to a reader who follows many writers", async () => {
      const second = await under.openSecond(uuidv7());
      const seen: FeedEntry[] = [];
      let cursor = await under.store.feedEnd();
      const agents = await Promise.all(Array.from({ length: 4 }, () => enrolAgent(under.store)));
      for (const [n, agent] of agents.entries()) await agent.connect({}, n % 2 ? second : under.store);
      const writing = new AbortController();
      const reader = (async () => {
        while (!writing.signal.aborted) {
          const page = await second.readFeed(cursor, 7);
          expect(page.lost).toBe(0);
          seen.push(...page.entries);
          cursor = page.cursor;
        }
      })();
      const commands = await Promise.all(
        agents.flatMap((agent, n) =>
          Array.from({ length: 30 }, async () => {
            const commandId = await agent.queue();
            for (const assignment of await agent.assign({ work: 2 }, n % 2 ? second : under.store)) {
              const { attempt, assignNo } = assignment;
              const key = {
                agentId: agent.agentId,
                ledgerId: agent.ledgerId,
                commandId: assignment.commandId,
                attempt,
                assignNo,
              };
              await (assignNo % 2 ? under.store : second).result(exited(key));
            }
            return commandId;
          }),
        ),
      );
      writing.abort();
      await reader;
      const expected = new Map(
        await Promise.all(
          agents.map((agent) => under.store.list({ companyId: agent.companyId, limit: 100, cursor: null })),
        ).then((pages) =>
          pages.flatMap(({ items }) => items).map(({ commandId, revision }) => [commandId, revision] as const),
        ),
      );
      expect(expected.size).toBe(commands.length);
      const total = [...expected.values()].reduce((sum, revision) => sum + revision, 0);
      await eventually(
        async () => {
          const page = await second.readFeed(cursor, 1000);
          seen.push(...page.entries);
          cursor = page.cursor;
          return seen.filter(({ commandId }) => commandId !== null).length >= total;
        },
        { deadlineMs: 5_000 },
      );
      const keys = seen.map(({ commandId, revision, cursor: at }) =>
        commandId === null ? at : `${commandId} ${revision}`,
      );
      expect(new Set(keys).size).toBe(keys.length);
      for (const [commandId, revision] of expected) {
        const revisions = seen.filter((entry) => entry.commandId === commandId).map((entry) => entry.revision);
        expect(revisions.toSorted((a, b) => Number(a) - Number(b))).toEqual(
          Array.from({ length: revision }, (_, n) => n + 1),
        );
      }
    });

    it("tells listeners that it has grown, through this server and through another one", async () => {
      const second = await under.openSecond(uuidv7());
      for (const writer of [under.store, second]) {
        let called = 0;
        const off = under.store.onFeed(() => (called += 1));
        await eventually(() => called > 0, { deadlineMs: 2_000, what: "the first look" });
        called = 0;
        await writer.enqueue(newCommand());
        expect(await eventually(() => called > 0, { deadlineMs: 1_000 })).toBe(true);
        off();
      }
    });
  });

  describe("a feed that is trimmed by count", () => {
    const under = useStore(open, { feedMaxEntries: 10 });

    it("counts what a reader didn't get to see", async () => {
      const start = await under.store.feedEnd();
      for (let n = 0; n < 25; n++) await under.store.enqueue(newCommand());
      const all = await eventually(
        async () => {
          const read = await readAll(under.store, start);
          return read.entries.length === 25 && read.entries;
        },
        { deadlineMs: 2_000 },
      );
      expect(await under.store.cleanup()).toMatchObject({ feed: 15, more: false });
      expect(await under.store.cleanup()).toMatchObject({ feed: 0 });
      const late = await readAll(under.store, start);
      expect(late).toMatchObject({ lost: 15, entries: all.slice(15) });
      expect((await readAll(under.store, all[4]?.cursor ?? "")).lost).toBe(10);
      expect(await readAll(under.store, all[14]?.cursor ?? "")).toMatchObject({ lost: 0, entries: all.slice(15) });
      expect(await readAll(under.store, null)).toMatchObject({ lost: 0, entries: all.slice(15) });
      expect((await readAll(under.store, late.cursor)).lost).toBe(0);
    });

    it("lets a reader whose company has nothing to read keep up with the others' entries", async () => {
      const companyId = fresh("company");
      const before = await under.store.feedEnd();
      for (let n = 0; n < 20; n++) await under.store.enqueue(newCommand());
      const caughtUp = await eventually(
        async () => {
          const { cursor } = await under.store.readFeed(before, 100, companyId);
          return (await under.store.readFeed(cursor, 100)).entries.length === 0 && cursor;
        },
        { deadlineMs: 2_000 },
      );
      expect(await under.store.cleanup()).toMatchObject({ more: false });
      expect(await under.store.readFeed(caughtUp, 100, companyId)).toMatchObject({ entries: [], lost: 0 });
      expect((await under.store.readFeed(before, 100, companyId)).lost).toBeGreaterThan(0);
    });
  });

  describe("records past their keep", () => {
    const under = useStore(open, { recordTtlMs: 60, feedMaxAgeMs: 60 });

    it("are removed with their output and their idempotency key; what hasn't ended stays", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const idempotencyKey = { key: fresh("key"), bodyHash: "a" };
      const key = await agent.start({ idempotencyKey });
      await under.store.appendOutput({ ...key, offset: 0, stream: "stdout", data: Buffer.from("x") });
      await under.store.result(exited(key));
      const waiting = await agent.queue();
      const running = await agent.run();
      await agent.queue();
      await eventually(
        async () => {
          await under.store.cleanup();
          return (
            (await under.store.get(agent.companyId, key.commandId)) === null &&
            (await under.store.readFeed(null, 1)).entries.length === 0
          );
        },
        { deadlineMs: 5_000 },
      );
      expect(await under.store.readOutput(agent.companyId, key.commandId, 0, 10)).toBeNull();
      expect((await agent.command(running.commandId)).status).toBe("assigned");
      expect((await agent.command(waiting)).finishedAt).toBeNull();
      expect(await under.store.result(exited(key))).toEqual({ kind: "unknown" });
      expect(await under.store.enqueue(newCommand({ ...agent.ids, idempotencyKey }))).toMatchObject({ kind: "queued" });
    });
  });
}
