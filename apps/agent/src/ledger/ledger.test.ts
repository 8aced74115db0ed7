import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLogger } from "@fleetwire/service";
import { tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { type Ledger, openLedger } from "./ledger.ts";
import type { NewRun, RunResult, TrimPolicy } from "./records.ts";

const log = createLogger({ service: "test", level: "silent" });
let open: Ledger[] = [];

async function openAt(path: string, trimPolicy?: TrimPolicy): Promise<Ledger> {
  const ledger = await openLedger({ path, log, ...(trimPolicy === undefined ? {} : { trimPolicy }) });
  open.push(ledger);
  return ledger;
}
afterEach(async () => {
  for (const ledger of open) await ledger.close().catch(() => {});
  open = [];
});

const newPath = (): string => join(tempDir("ledger"), "ledger.db");
const run = (assignNo: number, extra: Partial<NewRun> = {}): NewRun => ({
  commandId: `c${assignNo}`,
  attempt: 1,
  assignNo,
  type: "SHELL",
  acceptedAt: Date.now(),
  ...extra,
});
const result: RunResult = {
  outcome: "exited",
  exitCode: 0,
  error: "",
  errorMessage: "",
  durationMs: 5,
  outputBytes: 3,
};

test("it keeps its id, epoch and what it holds from one opening to the next", async () => {
  const path = newPath();
  const first = await openAt(path);
  await Promise.all([
    first.accept(run(1)),
    first.accept(run(2)),
    first.refuse(run(3), "busy"),
    first.finish(run(2), result, [{ offset: 0, stream: "stderr", data: Buffer.from("out") }]),
    first.spawned(run(1), { pid: 42, startedAt: "boot:7" }),
    first.seeEpoch(9),
  ]);
  const before = await first.snapshot();
  await first.close();
  const second = await openAt(path);
  expect(await second.snapshot()).toEqual(before);
  expect(before).toMatchObject({ seenEpoch: 9, highest: 3, horizon: 0 });
  expect(before.held).toMatchObject([
    { assignNo: 1, state: "started", process: { pid: 42, startedAt: "boot:7" } },
    { assignNo: 2, state: "done" },
    { assignNo: 3, state: "refused" },
  ]);
  const stored = await second.readResult(run(2));
  expect(stored).toMatchObject({ assignNo: 2, result });
  expect(stored?.output.map(({ offset, stream, data }) => [offset, stream, Buffer.from(data).toString()])).toEqual([
    [0, "stderr", "out"],
  ]);
});

test("what it has, it doesn't accept again: neither running, nor ended, nor refused", async () => {
  const ledger = await openAt(newPath());
  expect(await ledger.accept(run(1))).toEqual({ kind: "recorded" });
  expect(await ledger.accept(run(1))).toEqual({ kind: "held", state: "started", refusal: null });
  await ledger.finish(run(1), result, []);
  expect(await ledger.accept(run(1))).toMatchObject({ kind: "held", state: "done" });
  await ledger.refuse(run(2), "cancelled");
  expect(await ledger.accept(run(2))).toEqual({ kind: "held", state: "refused", refusal: "cancelled" });
  expect(await ledger.refuse(run(1), "busy")).toMatchObject({ kind: "held", state: "done" });
  // Refused under number 2, it may still be given under number 5.
  expect(await ledger.accept(run(5, { commandId: "c2" }))).toEqual({ kind: "recorded" });
});

test("a run that is given again answers to the later number; one that had been given before is told as taken", async () => {
  const ledger = await openAt(newPath());
  await ledger.accept(run(1));
  const running = { kind: "held", state: "started", refusal: null };
  expect(await ledger.recall({ commandId: "c1", attempt: 1, assignNo: 4 })).toEqual(running);
  expect(await ledger.snapshot()).toMatchObject({ highest: 4, held: [{ commandId: "c1", assignNo: 4 }] });
  expect(await ledger.accept(run(4, { commandId: "c1" }))).toEqual(running);
  const taken = { kind: "number_taken" };
  expect(await ledger.accept(run(3, { commandId: "c1" }))).toEqual(taken);
  expect(await ledger.accept(run(4, { commandId: "other" }))).toEqual(taken);
  expect(await ledger.accept(run(4, { commandId: "c1", attempt: 2 }))).toEqual(taken);
  expect(await ledger.refuse(run(4, { commandId: "other" }), "busy")).toEqual(taken);
  await ledger.refuse(run(6), "busy");
  expect(await ledger.accept(run(6, { commandId: "other" }))).toEqual(taken);
  expect(await ledger.recall({ commandId: "never", attempt: 1, assignNo: 7 })).toBeNull();
  expect((await ledger.snapshot()).held.map(({ commandId, assignNo }) => [commandId, assignNo])).toEqual([
    ["c1", 4],
    ["c6", 6],
  ]);
});

test("a withdrawn run counts as refused, and may come again under a later number", async () => {
  const ledger = await openAt(newPath());
  await ledger.accept(run(1));
  await ledger.withdraw(run(1), "window_over");
  expect((await ledger.snapshot()).held).toMatchObject([{ assignNo: 1, state: "refused" }]);
  expect(await ledger.accept(run(1))).toMatchObject({ kind: "held", state: "refused", refusal: "window_over" });
  expect(await ledger.accept(run(2, { commandId: "c1" }))).toEqual({ kind: "recorded" });
});

test("a snapshot has everything that was asked for before it", async () => {
  const ledger = await openAt(newPath());
  const writes = Array.from({ length: 200 }, (_, n) => ledger.accept(run(n + 1)));
  const { held, highest } = await ledger.snapshot();
  expect(held).toHaveLength(200);
  expect(highest).toBe(200);
  await Promise.all(writes);
});

test("writes that wait together are committed together", async () => {
  const path = newPath();
  const ledger = await openAt(path);
  // Each commit appends the pages that it changed to the write-ahead log.
  const logBytes = (): number => statSync(`${path}-wal`).size;
  const began = logBytes();
  for (let n = 0; n < 50; n += 1) await ledger.accept(run(1 + n));
  const alone = logBytes() - began;
  await Promise.all(Array.from({ length: 50 }, (_, n) => ledger.accept(run(101 + n))));
  const together = logBytes() - began - alone;
  expect(together).toBeLessThan(alone / 3);
  expect((await ledger.snapshot()).held).toHaveLength(100);
});

test("what was acknowledged to the caller survives kill -9", async () => {
  const path = newPath();
  const writer = fileURLToPath(new URL("../../test/support/ledger-writer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@fleetwire/source", writer, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let written = "";
  for await (const data of child.stdout) {
    written += String(data);
    if (written.split("\n").length > 300) break;
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  const acknowledged = written.split("\n").slice(0, -1).map(Number);
  const ledger = await openAt(path);
  const { held } = await ledger.snapshot();
  const kept = new Set(held.map(({ assignNo }) => assignNo));
  expect(acknowledged.filter((assignNo) => !kept.has(assignNo))).toEqual([]);
});

test("trimming takes what is acknowledged and too old or too much, and never passes what isn't acknowledged", async () => {
  const path = newPath();
  const first = await openAt(path);
  const old = Date.now() - 10_000;
  for (const assignNo of [1, 2, 4, 5, 6, 7]) {
    await first.accept(run(assignNo, { acceptedAt: assignNo < 6 ? old : Date.now() }));
    await first.finish(run(assignNo), result, []);
  }
  for (const assignNo of [1, 2, 5, 6, 7]) await first.acknowledge(run(assignNo));
  await first.close();
  const second = await openAt(path, { maxAgeMs: 5_000, maxRows: 100 });
  expect(await second.snapshot()).toMatchObject({ horizon: 2, highest: 7, held: [{ assignNo: 4 }] });
  expect(await second.accept(run(2))).toEqual({ kind: "forgotten" });
  expect(await second.accept(run(5))).toMatchObject({ kind: "held", state: "done" });
  await second.acknowledge(run(5));
  await second.acknowledge(run(4));
  await second.close();
  const third = await openAt(path, { maxAgeMs: 5_000, maxRows: 1 });
  expect(await third.snapshot()).toMatchObject({ horizon: 6, held: [] });
  expect(await third.accept(run(7))).toMatchObject({ kind: "held", state: "done" });
});

test("an old refusal that no hello has told doesn't keep what is above it; a new one does", async () => {
  const path = newPath();
  const first = await openAt(path);
  const old = Date.now() - 10_000;
  await first.refuse(run(1, { acceptedAt: old }), "busy");
  for (const assignNo of [2, 4]) {
    await first.accept(run(assignNo, { acceptedAt: old }));
    await first.finish(run(assignNo), result, []);
    await first.acknowledge(run(assignNo));
  }
  await first.refuse(run(3), "cancelled");
  await first.close();
  const second = await openAt(path, { maxAgeMs: 5_000, maxRows: 100 });
  expect(await second.snapshot()).toMatchObject({ horizon: 2, highest: 4, held: [{ assignNo: 3, state: "refused" }] });
  expect(await second.accept(run(1))).toEqual({ kind: "forgotten" });
});

test("when a new ledger can't be begun it is lost, and says so", async () => {
  const path = newPath();
  const ledger = await openAt(path);
  // SQLite may be making a file in it just now.
  rmSync(dirname(path), { recursive: true, maxRetries: 20 });
  await expect(ledger.renew("6f1c2f0e-0000-4000-8000-000000000000")).rejects.toMatchObject({ code: "unavailable" });
  expect(await ledger.lost).toMatchObject({ code: "closed" });
});

test("its files are readable by the agent's user alone, in a directory that others can read too", async () => {
  const path = newPath();
  const ledger = await openAt(path);
  await ledger.accept(run(1));
  const names = readdirSync(dirname(path));
  expect(names).toContain("ledger.db-wal");
  for (const name of names) expect([name, statSync(join(dirname(path), name)).mode & 0o777]).toEqual([name, 0o600]);
  await ledger.close();
});

test("one that another holds can't be opened; a closed one refuses", async () => {
  const path = newPath();
  const ledger = await openAt(path);
  await expect(openLedger({ path, log })).rejects.toMatchObject({ code: "in_use" });
  await ledger.close();
  await expect(ledger.snapshot()).rejects.toMatchObject({ code: "closed" });
});
