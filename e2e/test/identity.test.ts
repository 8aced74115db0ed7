import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { createWork } from "../src/work.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet.close());

/** The ledger's files in an agent's directory (its key stays where it is). */
function ledgerFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith("ledger"));
}

test("two agents with one id and one ledger: the newest session wins, the older one is told and stays away", async () => {
  const first = await fleet.agent("twin");
  const copy = fleet.folder("twin-copy");
  cpSync(first.directory, copy, { recursive: true });
  for (const name of readdirSync(copy)) if (name.includes("lock")) rmSync(join(copy, name), { recursive: true });
  const second = await fleet.agent("twin", { directory: copy });
  await first.process.waitForLine(/superseded/, 10_000);
  const exit = await first.process.exited;
  expect(exit.code).not.toBe(0);
  const work = createWork(fleet, "twin-work");
  await work.queue(second.id);
  await work.settle();
});

test("another machine with the same id is refused while the holder lives", async () => {
  const work = createWork(fleet, "holder");
  const holder = await fleet.agent("holder");
  // The same key (a cloned disk), but a ledger of its own.
  const clone = fleet.folder("clone");
  cpSync(holder.directory, clone, { recursive: true });
  for (const name of readdirSync(clone))
    if (name.startsWith("ledger") || name.includes("lock")) rmSync(join(clone, name), { recursive: true });
  const intruder = await fleet.agent("holder", { directory: clone, wait: false });
  await intruder.process.waitForLine(/agent_id_in_use/, 10_000);
  const piece = await work.queue("holder");
  await work.settle();
  expect(work.effects(piece)).toBe(1);
  expect((await fleet.operator.agent("holder"))?.status).toBe("online");
  await intruder.process.kill9Group();
});

test("an agent whose ledger was deleted: what it may have run ends ledger_lost, what waited runs once", async () => {
  const work = createWork(fleet, "deleted");
  const agent = await fleet.agent("deleted", { args: ["--concurrency", "1"] });
  const running = await work.queueHeld(agent.id);
  await work.began(running);
  const waiting = await work.queue(agent.id);
  const idempotent = await work.queue(agent.id, { idempotent: true });
  await agent.process.kill9Group();
  for (const name of ledgerFiles(agent.directory)) rmSync(join(agent.directory, name), { recursive: true });
  await agent.restart();
  await work.settle(["failed:ledger_lost"]);
  expect(await fleet.operator.get(running.commandId ?? "")).toMatchObject({
    status: "failed",
    result: { error: "ledger_lost" },
  });
  expect([waiting, idempotent].map((piece) => work.effects(piece))).toEqual([1, 1]);
});

test("an agent with an older copy of its ledger takes a new ledger, and nothing runs twice", async () => {
  const work = createWork(fleet, "restored");
  const agent = await fleet.agent("restored", { args: ["--concurrency", "1"] });
  await work.queue(agent.id);
  await work.settle();
  await agent.process.stop();
  const backup = fleet.folder("backup");
  for (const name of ledgerFiles(agent.directory))
    cpSync(join(agent.directory, name), join(backup, name), { recursive: true });

  await agent.restart();
  const running = await work.queueHeld(agent.id);
  await work.began(running);
  await eventually(async () => (await fleet.operator.get(running.commandId ?? "")).startedAt !== undefined, {
    deadlineMs: 5_000,
    what: "its start to be reported",
  });
  await agent.process.kill9Group();
  for (const name of ledgerFiles(agent.directory)) rmSync(join(agent.directory, name), { recursive: true });
  for (const name of readdirSync(backup)) cpSync(join(backup, name), join(agent.directory, name), { recursive: true });
  await agent.restart();

  const end = await fleet.ended(running.commandId ?? "");
  expect(end).toMatchObject({ status: "failed", result: { error: "ledger_lost" } });
  const later = await work.queue(agent.id);
  await work.settle(["failed:ledger_lost"]);
  expect([running, later].map((piece) => work.effects(piece))).toEqual([1, 1]);
});

test("a wrong, a used and an expired join token are refused with one and the same answer", async () => {
  const used = await fleet.operator.joinToken({ uses: 1, ttlSeconds: 600 });
  const expired = await fleet.operator.joinToken({ uses: 1, ttlSeconds: 1 });
  await fleet.agent("first-user", { joinToken: used.token });
  await eventually(() => Date.now() > expired.untilMs, { deadlineMs: 5_000, what: "the token to expire" });
  const codes: (number | null)[] = [];
  for (const joinToken of ["fw_wrong", used.token, expired.token]) {
    const agent = await fleet.agent(`refused-${codes.length}`, { joinToken, wait: false });
    codes.push((await agent.process.exited).code);
    expect(agent.process.output.join("\n")).toContain("join_token_invalid");
    expect(agent.process.output.join("\n")).not.toContain(joinToken);
  }
  expect(new Set(codes).size).toBe(1);
  expect(codes[0]).toBeGreaterThan(0);
});

test("a revoked agent loses its live session and can't come back", async () => {
  const agent = await fleet.agent("revoked");
  await fleet.operator.revoke(agent.id);
  const exit = await agent.process.exited;
  expect(exit.code).not.toBe(0);
  expect(agent.process.output.join("\n")).toContain("revoked");
  await agent.restart({ wait: false });
  expect((await agent.process.exited).code).not.toBe(0);
});
