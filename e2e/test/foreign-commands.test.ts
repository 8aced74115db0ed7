import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createLedger, eventually, type TestValkey } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";

const run = promisify(execFile);

let fleet: Fleet;
let valkey: TestValkey;

beforeAll(async () => {
  fleet = await startFleet({ store: "valkey", servers: 2, settings: { COMMAND_POLLING_INTERVAL: "500ms" } });
  if (fleet.store.valkey === null) throw new Error("the store is Valkey");
  ({ valkey } = fleet.store);
  await fleet.agent("web-1");
}, 300_000);
afterAll(() => fleet.close());

/** What a person types, and nothing else of Fleetwire's. */
async function redisCli(...args: string[]): Promise<string> {
  const { stdout } = await run("redis-cli", ["-p", String(valkey.port), "--raw", ...args]);
  return stdout.trim();
}

async function result(id: string): Promise<Record<string, unknown>> {
  const text = await eventually(() => redisCli("GET", `cmd:result:${id}`), {
    deadlineMs: 20_000,
    intervalMs: 100,
    what: `the result of ${id}`,
  });
  return JSON.parse(text) as Record<string, unknown>;
}

describe("a command written with redis-cli alone", () => {
  test("runs, and its result is read with redis-cli", async () => {
    const record = { agent_id: "web-1", command: "echo it runs on $FLEETWIRE_AGENT_ID; exit 3" };
    await redisCli("SET", "command:queue:by-hand-1", JSON.stringify(record));
    expect(await result("by-hand-1")).toMatchObject({
      command_id: "by-hand-1",
      agent_id: "web-1",
      status: "failed",
      exit_code: 3,
      output: "it runs on web-1\n",
      truncated: false,
      error: null,
    });
    expect(await fleet.operator.get("by-hand-1")).toMatchObject({ status: "failed", agentId: "web-1" });
    expect(await redisCli("GET", "agent:web-1:command:list:by-hand-1")).toBe("by-hand-1");
  });

  test("runs once, whatever is written over it, and however many are written at once", async () => {
    const ledger = createLedger();
    const effects = ledger.effectFile(fleet.folder("foreign"));
    const ids = Array.from({ length: 40 }, (_, n) => `once-${n}`);
    const write = (id: string) =>
      redisCli(
        "SET",
        `command:queue:${id}`,
        JSON.stringify({ agent_id: "web-1", command: ledger.effectCommand(id, effects), timeout: 60 }),
      );
    for (const id of ids) ledger.attempted(id);
    await Promise.all(ids.map(write));
    for (const id of ids) ledger.confirmed(id);
    for (const id of ids) ledger.received(id, String((await result(id))["status"]));
    // Over what has ended, and a fresh one behind which they would have been found.
    await Promise.all(ids.map(write));
    ledger.attempted("last");
    await write("last");
    ledger.confirmed("last");
    ledger.received("last", String((await result("last"))["status"]));
    ledger.assertNothingLostNothingTwice();
    expect(ledger.readEffects().size).toBe(ids.length + 1);
  });

  test("is told to the operator's log and skipped where it can't be read", async () => {
    await redisCli("SET", "command:queue:broken", "{");
    await redisCli("LPUSH", "command:queue:a-list", "x");
    await redisCli("SET", "command:queue:", JSON.stringify({ agent_id: "web-1", command: "true" }));
    const leader = await Promise.race(
      fleet.servers.map(async ({ process }) => {
        await process.waitForLine(/command:queue:broken.*unreadable|unreadable.*command:queue:broken/, 20_000);
        return process;
      }),
    );
    await leader.waitForLine(/command:queue:a-list/, 20_000);
    await redisCli("SET", "command:queue:after", JSON.stringify({ agent_id: "web-1", command: "true" }));
    expect(await result("after")).toMatchObject({ status: "completed" });
  });
});
