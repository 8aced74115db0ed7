import { join } from "node:path";
import type { AgentMessageInput, Assign } from "@fleetwire/proto";
import { createLogger, systemClock } from "@fleetwire/service";
import { eventually, tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { createCommandTypes } from "../commands/prepare.ts";
import type { Link } from "../connection/session.ts";
import { type Ledger, openLedger } from "../ledger/ledger.ts";
import { LedgerFileError } from "../ledger/schema.ts";
import { createRuns } from "./runs.ts";

const log = createLogger({ service: "test", level: "silent" });
let ledger: Ledger;

afterEach(() => ledger.close());

/** Runs on a ledger whose disk is full for the first call of this name. */
async function startWithFullDisk(full: "refuse" | "readResult") {
  ledger = await openLedger({ path: join(tempDir("runs"), "ledger.db"), log });
  let tries = 0;
  const onceFull: Ledger = {
    ...ledger,
    [full]: async (...args: never[]): Promise<unknown> => {
      tries += 1;
      if (tries === 1) throw new LedgerFileError("unavailable", "database or disk is full");
      return (ledger[full] as (...given: never[]) => Promise<unknown>)(...args);
    },
  };
  const fatal: unknown[] = [];
  const said: AgentMessageInput[] = [];
  const link: Link = {
    epoch: 1,
    open: true,
    maxChunkBytes: 1024,
    send: (message) => Promise.resolve(said.push(message) > 0),
    takesFacts: false,
    loadChanged: () => {},
    giveUp: (reason) => fatal.push(reason),
  };
  const runs = createRuns({
    types: createCommandTypes([], null),
    concurrency: 1,
    ledger: onceFull,
    clock: systemClock,
    log,
    onRunning: () => {},
    onControl: () => {},
    onFatal: (error) => fatal.push(error),
  });
  runs.attach(link, []);
  return { runs, link, said, fatal };
}

function frame(extra: Partial<Assign>): Assign {
  return {
    commandId: "c",
    assignNo: 1,
    epoch: 1,
    attempt: 1,
    type: "SHELL",
    command: "true",
    hasArgs: false,
    args: [],
    parametersJson: "",
    timeoutMs: 1_000,
    startWindowMs: 60_000,
    idempotent: false,
    traceparent: "",
    ...extra,
  };
}

test("a refusal waits for a full disk, and is said when it is written", async () => {
  const { runs, link, said, fatal } = await startWithFullDisk("refuse");
  runs.drain();
  runs.assign(frame({}), link, systemClock.monotonicMs());
  const refused = { commandId: "c", reason: "REFUSAL_REASON_DRAINING", recorded: true };
  await eventually(() => said.length > 0, { deadlineMs: 10_000, what: "the refusal" });
  expect(said).toMatchObject([{ refused }]);
  expect((await ledger.snapshot()).held).toMatchObject([{ commandId: "c", state: "refused" }]);
  expect(fatal).toEqual([]);
});

test("a stored result waits for a full disk too", async () => {
  const { runs, link, said, fatal } = await startWithFullDisk("readResult");
  const run = { commandId: "c", attempt: 1, assignNo: 1, type: "SHELL", acceptedAt: Date.now() };
  await ledger.accept(run);
  await runs.restore((await ledger.snapshot()).held);
  runs.attach(link, []);
  await eventually(() => said.length > 0, { deadlineMs: 10_000, what: "the result" });
  expect(said).toMatchObject([{ result: { commandId: "c", error: "interrupted" } }]);
  expect(fatal).toEqual([]);
});
