import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually, removeTempDir } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fleetwire, processesWith, startReady, testHome } from "./standalone-process.ts";

let home: string;
beforeAll(() => {
  home = testHome();
});
afterAll(() => removeTempDir(home));

const noneLeft = (text: string) =>
  eventually(async () => (await processesWith(text)).length === 0, {
    deadlineMs: 30_000,
    intervalMs: 100,
    what: `no process with ${text}`,
  });

test("it writes the credentials for its owner alone, answers at all its URLs and ends without a trace on Ctrl-C", async () => {
  const standalone = await startReady(home);
  const cliFile = join(home, "cli.json");
  const { urls, token, joinToken } = JSON.parse(readFileSync(cliFile, "utf8"));
  expect(statSync(cliFile).mode & 0o777).toBe(0o600);
  expect([urls.grpc, token, joinToken]).toEqual([
    expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    expect.any(String),
    expect.any(String),
  ]);
  for (const path of ["/docs", "/openapi.json", "/metrics", "/health/ready", "/health/live"]) {
    expect([path, (await fetch(new URL(path, urls.commands))).status]).toEqual([path, 200]);
  }
  expect((await fetch(new URL("/commands", urls.commands))).status).toBe(401);
  const secrets = [token, joinToken, ...(await processesWith(join(home, "agents")))].join("\n");
  expect((await processesWith(token)).concat(await processesWith(joinToken))).toEqual([]);
  expect(secrets).not.toContain("FLEETWIRE_JOIN_TOKEN");

  const ran = await fleetwire(home, "command", "run", "--agent", "local", "echo it works; exit 6");
  expect([ran.code, ran.stdout]).toEqual([6, "it works"]);
  standalone.signal("SIGINT");
  expect((await standalone.exited).code).toBe(0);
  expect(await processesWith(home)).toEqual([]);
}, 120_000);

test("started warm it says how long it took, and knows what was before", async () => {
  const standalone = await startReady(home);
  const [, seconds] = await standalone.waitForLine(/^Ready after ([\d.]+) s/);
  expect(Number(seconds)).toBeGreaterThan(0);
  const list = await fleetwire(home, "--json", "command", "list");
  expect(JSON.parse(list.stdout).items.length).toBeGreaterThanOrEqual(3);
  expect((await standalone.stop()).code).toBe(0);
}, 120_000);

test("STOP ends the agent alone; the server goes on, and the next start has the agent back", async () => {
  const standalone = await startReady(home);
  await fleetwire(home, "command", "send", "--agent", "local", "--type", "STOP", "--params", "reason=test", "--wait");
  await standalone.waitForLine(/agent local ended .*the server goes on/, 30_000);
  expect((await fleetwire(home, "agents", "list")).code).toBe(0);
  expect((await standalone.stop()).code).toBe(0);
  await (await startReady(home)).stop();
}, 120_000);

test("killed with -9 it leaves no agent behind, and the next start takes over its database", async () => {
  const standalone = await startReady(home);
  expect((await processesWith(join(home, "agents", "local"))).length).toBeGreaterThan(0);
  await standalone.kill9();
  await noneLeft(join(home, "agents", "local"));
  const again = await startReady(home);
  expect((await again.stop()).code).toBe(0);
  expect(await processesWith(home)).toEqual([]);
}, 120_000);

test("a second Ctrl-C ends it at once, with its agent", async () => {
  const standalone = await startReady(home);
  standalone.signal("SIGINT");
  standalone.signal("SIGINT");
  expect([0, 130]).toContain((await standalone.exited).code);
  await noneLeft(join(home, "agents", "local"));
}, 120_000);

test("an agent whose directory was removed enrols anew under its id", async () => {
  rmSync(join(home, "agents"), { recursive: true });
  const standalone = await startReady(home);
  expect((await fleetwire(home, "command", "run", "--agent", "local", "true")).code).toBe(0);
  expect((await standalone.stop()).code).toBe(0);
  expect(await processesWith(home)).toEqual([]);
}, 120_000);
