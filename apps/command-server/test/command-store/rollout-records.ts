import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import type { NewRollout, Page, RolloutResultsQuery } from "../../src/store/command-store.ts";
import { fresh, newCommand, useStore, type OpenStore } from "./fixture.ts";
import { enrolMany, newRollout, rollOut, type TestRollout } from "./rollout-fixture.ts";

/** Every item, page by page. */
async function allOf<T>(read: (cursor: string | null) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await read(cursor);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

const printed = (text: string) => ({
  outputBytes: text.length,
  tail: [{ offset: 0, stream: "stdout" as const, data: Buffer.from(text) }],
});

/** The places of these commands in the rollout. */
function targetsOf({ commandIds }: TestRollout, found: { command: { commandId: string } }[]): number[] {
  return found.map(({ command }) => commandIds.indexOf(command.commandId));
}

function keyed(companyId: string, key: string, bodyHash = "a"): NewRollout {
  return newRollout(companyId, ["agent"], { idempotencyKey: { key, bodyHash }, unable: 3 });
}

export function describeRolloutRecords(open: OpenStore): void {
  describe("what came of a rollout", () => {
    const under = useStore(open);

    const results = (rollout: TestRollout, over: Partial<RolloutResultsQuery> = {}) => {
      const { companyId, rolloutId } = rollout;
      const query = { companyId, rolloutId, limit: 2, outputBytes: 4, ...over };
      return allOf((cursor) => under.store.rolloutResults({ ...query, cursor }));
    };
    it("is read in target order, with the begin of each output, as far as it was queued", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 6), { maxConcurrency: 5 });
      await rollout.advance();
      await rollout.end(3, printed("three"));
      await rollout.end(0, { exitCode: 2, ...printed("no") });
      await rollout.begin(1);
      const found = await results(rollout);
      expect(targetsOf(rollout, found)).toEqual([0, 1, 2, 3, 4]);
      expect(found.map(({ output }) => output.toString())).toEqual(["no", "", "", "thre", ""]);
      expect(found[0]?.command).toEqual(await under.store.get(rollout.companyId, rollout.commandIds[0] ?? ""));
      expect((await results(rollout, { outputBytes: 0 })).every(({ output }) => output.length === 0)).toBe(true);
      expect((await results(rollout, { limit: 500 })).length).toBe(5);
      const { companyId, rolloutId } = rollout;
      const after = { companyId, rolloutId, limit: 5, outputBytes: 4, cursor: found[1]?.cursor ?? null };
      expect((await under.store.rolloutResults(after)).items).toEqual(found.slice(2));
    });

    it("is filtered by state, exit code and agent, page by page", async () => {
      const agents = await enrolMany(under.store, 5);
      const rollout = await rollOut(under.store, agents);
      await rollout.advance();
      for (const [target, exitCode] of [0, 1, 2, 1].entries()) await rollout.end(target, { exitCode });
      const found = async (over: Partial<RolloutResultsQuery>) => targetsOf(rollout, await results(rollout, over));
      expect(await found({ statuses: ["failed"] })).toEqual([1, 2, 3]);
      expect(await found({ statuses: ["failed", "queued"], limit: 1 })).toEqual([1, 2, 3, 4]);
      expect(await found({ statuses: [] })).toEqual([]);
      expect(await found({ exitCode: 1, limit: 1 })).toEqual([1, 3]);
      expect(await found({ exitCode: 0 })).toEqual([0]);
      expect(await found({ agentId: agents[2]?.agentId ?? "" })).toEqual([2]);
      expect(await found({ agentId: agents[2]?.agentId ?? "", statuses: ["completed"] })).toEqual([]);
    });

    it("is known of every target, queued or not", async () => {
      const agents = await enrolMany(under.store, 4);
      const rollout = await rollOut(under.store, agents, { maxConcurrency: 3 });
      await rollout.advance();
      await rollout.end(0, { exitCode: 1, error: "no_such_thing" });
      await under.store.cancel(rollout.companyId, rollout.commandIds[1] ?? "");
      const { companyId, rolloutId } = rollout;
      const found = await allOf((cursor) => under.store.rolloutTargets({ companyId, rolloutId, limit: 3, cursor }));
      expect(found).toEqual(
        ["failed", "cancelled", "queued", "pending"].map((status, target) => ({
          agentId: agents[target]?.agentId,
          commandId: rollout.commandIds[target],
          status,
          error: ["no_such_thing", "cancelled", null, null][target],
        })),
      );
    });

    it("is listed newest first, page by page, by state", async () => {
      const agents = await enrolMany(under.store, 1);
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) {
        const rollout = await rollOut(under.store, agents);
        ids.unshift(rollout.rolloutId);
        if (n === 2) await under.store.stopRollout(rollout.companyId, rollout.rolloutId, { cancelRunning: false });
      }
      const companyId = agents[0]?.companyId ?? "";
      const listed = await allOf((cursor) => under.store.listRollouts({ companyId, limit: 2, cursor }));
      expect(listed.map(({ rolloutId }) => rolloutId)).toEqual(ids);
      expect(listed[0]).toEqual(await under.store.getRollout(companyId, ids[0] ?? ""));
      const stopped = await under.store.listRollouts({
        companyId,
        statuses: ["stopped", "halted"],
        limit: 2,
        cursor: null,
      });
      expect(stopped.items.map(({ rolloutId }) => rolloutId)).toEqual([ids[2]]);
      expect((await under.store.listRollouts({ companyId, statuses: [], limit: 2, cursor: null })).items).toEqual([]);
    });

    it("is refused to a cursor that isn't its own", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 1));
      const query = { companyId: rollout.companyId, rolloutId: rollout.rolloutId, limit: 1 };
      for (const cursor of ["", "?", "AA==", "AAAA"]) {
        const invalid = { code: "invalid_cursor" };
        await expect(under.store.listRollouts({ ...query, cursor })).rejects.toMatchObject(invalid);
        await expect(under.store.rolloutTargets({ ...query, cursor })).rejects.toMatchObject(invalid);
        await expect(under.store.rolloutResults({ ...query, outputBytes: 1, cursor })).rejects.toMatchObject(invalid);
      }
    });

    it("is nothing to another company", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 2));
      await rollout.advance(1);
      const query = { companyId: fresh("company"), rolloutId: rollout.rolloutId, limit: 5, cursor: null };
      const before = await rollout.now();
      expect(await under.store.getRollout(query.companyId, rollout.rolloutId)).toBeNull();
      expect((await under.store.listRollouts(query)).items).toEqual([]);
      expect((await under.store.rolloutResults({ ...query, outputBytes: 5 })).items).toEqual([]);
      expect((await under.store.rolloutTargets(query)).items).toEqual([]);
      const stopped = await under.store.stopRollout(query.companyId, rollout.rolloutId, { cancelRunning: true });
      expect(stopped).toEqual({ kind: "not_found" });
      expect(await rollout.now()).toEqual(before);
    });
  });

  describe("a rollout's idempotency key", () => {
    const under = useStore(open);
    it("gives the same rollout for the same request, with its state now, and refuses another", async () => {
      const [companyId, key] = [fresh("company"), fresh("key")];
      const first = keyed(companyId, key);
      expect(await under.store.createRollout(first)).toEqual({ kind: "created" });
      const duplicate = { kind: "duplicate", rolloutId: first.rolloutId, status: "running", targets: 1, unable: 3 };
      expect(await under.store.createRollout(keyed(companyId, key))).toEqual(duplicate);
      await under.store.stopRollout(companyId, first.rolloutId, { cancelRunning: false });
      const again = keyed(companyId, key);
      expect(await under.store.createRollout(again)).toEqual({ ...duplicate, status: "stopped" });
      expect(await under.store.getRollout(companyId, again.rolloutId)).toBeNull();
      expect(await under.store.createRollout(keyed(companyId, key, "b"))).toEqual({ kind: "key_reused" });
      expect(await under.store.createRollout(keyed(fresh("company"), key))).toEqual({ kind: "created" });
    });

    it("is one with the keys of commands", async () => {
      const [companyId, ours, theirs] = [fresh("company"), fresh("key"), fresh("key")];
      const rollout = keyed(companyId, ours);
      await under.store.createRollout(rollout);
      const command = newCommand({
        companyId,
        agentId: fresh("agent"),
        idempotencyKey: { key: theirs, bodyHash: "a" },
      });
      await under.store.enqueue(command);
      expect(await under.store.createRollout(keyed(companyId, theirs))).toEqual({ kind: "key_reused" });
      const other = newCommand({ companyId, agentId: fresh("agent"), idempotencyKey: { key: ours, bodyHash: "a" } });
      expect(await under.store.enqueue(other)).toEqual({ kind: "key_reused" });
      const { rolloutId } = rollout;
      const none = { rolloutId: null, commandId: null };
      expect(await under.store.keyHolder(companyId, ours)).toEqual({ bodyHash: "a", ...none, rolloutId });
      expect(await under.store.keyHolder(companyId, theirs)).toEqual({
        bodyHash: "a",
        ...none,
        commandId: command.commandId,
      });
      expect(await under.store.keyHolder(fresh("company"), ours)).toBeNull();
    });

    it("makes one rollout, however many calls and servers race for it", async () => {
      const second = await under.openSecond(randomUUID());
      const [companyId, key] = [fresh("company"), fresh("key")];
      const calls = Array.from({ length: 20 }, (_, n) =>
        (n % 2 ? under.store : second).createRollout(keyed(companyId, key)),
      );
      const kinds = (await Promise.all(calls)).map(({ kind }) => kind);
      expect(kinds.toSorted()).toEqual(["created", ...Array<string>(19).fill("duplicate")]);
      expect((await under.store.listRollouts({ companyId, limit: 5, cursor: null })).items).toHaveLength(1);
      await second.close();
    });

    it("isn't needed to repeat a call: the same id is stored once", async () => {
      const companyId = fresh("company");
      for (const rollout of [keyed(companyId, fresh("key")), newRollout(companyId, ["agent"])]) {
        const calls = [under.store.createRollout(rollout), under.store.createRollout(rollout)];
        for (const answer of await Promise.all(calls)) expect(answer).toEqual({ kind: "created" });
        await under.store.advanceRollout(rollout.rolloutId, 10);
        expect(await under.store.createRollout(rollout)).toEqual({ kind: "created" });
        const known = await under.store.getRollout(companyId, rollout.rolloutId);
        expect(known?.counts).toMatchObject({ targets: 1, queued: 1 });
      }
    });
  });

  describe("a rollout past its keep", () => {
    const under = useStore(open, { recordTtlMs: 1 });

    async function cleanUp(): Promise<void> {
      for (let more = true; more;) ({ more } = await under.store.cleanup());
    }

    async function cleanedUp(isGone: () => Promise<boolean>): Promise<void> {
      const gone = async () => {
        await cleanUp();
        return isGone();
      };
      await eventually(gone, { deadlineMs: 10_000, what: "the end of a record" });
    }

    async function endedCommand() {
      const command = newCommand({ companyId: fresh("company"), agentId: fresh("agent") });
      await under.store.enqueue(command);
      await under.store.cancel(command.companyId, command.commandId);
      return command;
    }

    it("keeps its counts right while it runs, whatever becomes of its commands' records", async () => {
      const rollout = await rollOut(under.store, await enrolMany(under.store, 3), { maxErrors: 1 });
      await rollout.advance();
      await rollout.end(0);
      await rollout.end(1, { exitCode: 1 });
      const later = await endedCommand();
      await cleanedUp(async () => (await under.store.get(later.companyId, later.commandId)) === null);
      const end = { targets: 3, completed: 1, failed: 1, errors: 1 };
      expect((await rollout.now()).counts).toMatchObject({ ...end, queued: 1 });
      await rollout.end(2, { exitCode: 1 });
      expect((await rollout.advance())[0]?.ended).toMatchObject({
        status: "halted",
        counts: { ...end, failed: 2, errors: 2, queued: 0 },
      });
    });

    it("goes with its targets and its key, and leaves nothing of its commands", async () => {
      const key = fresh("key");
      const idempotencyKey = { key, bodyHash: "a" };
      const rollout = await rollOut(under.store, await enrolMany(under.store, 2), { idempotencyKey });
      const { companyId, rolloutId } = rollout;
      await rollout.advance();
      await rollout.end(0, printed("x"));
      await cleanUp();
      expect(await under.store.getRollout(companyId, rolloutId)).not.toBeNull();
      await rollout.end(1);
      await rollout.advance();
      await cleanedUp(async () => (await under.store.getRollout(companyId, rolloutId)) === null);
      await cleanedUp(async () => (await under.store.get(companyId, rollout.commandIds[1] ?? "")) === null);
      const query = { companyId, rolloutId, limit: 5, cursor: null };
      expect((await under.store.rolloutTargets(query)).items).toEqual([]);
      expect((await under.store.listRollouts(query)).items).toEqual([]);
      expect(await under.store.keyHolder(companyId, key)).toBeNull();
      const again = newRollout(companyId, ["agent"], { rolloutId: uuidv7(), idempotencyKey });
      expect(await under.store.createRollout(again)).toEqual({ kind: "created" });
    });
  });
}
