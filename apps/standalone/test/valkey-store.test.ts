import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, removeTempDir, valkeyBinary } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fleetwire, processesWith, startReady, startStandalone, testHome } from "./standalone-process.ts";

let home: string;
let env: Record<string, string>;

// A machine without the program installs it first.
beforeAll(async () => {
  env = { COMMAND_STORE: "valkey", REDIS_SERVER_BIN: await valkeyBinary() };
  home = testHome();
}, 300_000);
afterAll(() => removeTempDir(home));

/** The names of the steps of the last end, in order. */
function stopSteps(): string[] {
  const lines = readFileSync(join(home, "standalone.log"), "utf8").trimEnd().split("\n");
  const stop = lines.slice(lines.findLastIndex((line) => line.includes('"msg":"stopping"')));
  return stop.flatMap((line) => (line.includes("stop step done") ? [(JSON.parse(line) as { step: string }).step] : []));
}

/** The pid of the home's Valkey, which calls itself by its address. */
function valkeyPid(): number {
  return Number(readFileSync(join(home, "valkey/valkey.pid"), "utf8"));
}

test("commands are kept in a Valkey of the home's own, which ends after the server", async () => {
  const standalone = await startReady(home, env);
  const [, port = "", data] = await standalone.waitForLine(/^ +store +Valkey 127\.0\.0\.1:(\d+), data in (.+)$/);
  expect(data).toBe(join(home, "valkey/data"));
  const ran = await fleetwire(home, "command", "run", "--agent", "local", "echo it works; exit 6");
  expect([ran.code, ran.stdout]).toEqual([6, "it works"]);

  standalone.signal("SIGINT");
  expect((await standalone.exited).code).toBe(0);
  const steps = stopSteps();
  expect(steps.indexOf("valkey")).toBeGreaterThan(steps.indexOf("demo agent"));
  expect(steps.slice(-2)).toEqual(["valkey", "home"]);
  expect([await processesWith(home), await processesWith(`127.0.0.1:${port}`)]).toEqual([[], []]);
}, 120_000);

test("killed with -9 it leaves no Valkey behind, and the next start knows every command", async () => {
  const standalone = await startReady(home, env);
  const pid = valkeyPid();
  await standalone.kill9();
  await eventually(() => !isThere(pid), { deadlineMs: 30_000, what: "the end of Valkey" });

  const again = await startReady(home, env);
  const list = await fleetwire(home, "--json", "command", "list");
  // Three first commands, and the one of the test before.
  expect(JSON.parse(list.stdout).items).toHaveLength(4);
  expect((await again.stop()).code).toBe(0);
}, 120_000);

test("the demo leaves nothing behind", async () => {
  const demo = startStandalone(undefined, ["--demo"], env);
  expect([(await demo.exited).code, demo.stderr]).toEqual([0, []]);
  const [, temporary = ""] = await demo.waitForLine(/^Starting Fleetwire in (\S+) /);
  expect(demo.stdout.join("\n")).toContain(`data in ${temporary}/valkey/data`);
  expect(await processesWith(temporary)).toEqual([]);
}, 120_000);

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
