import { afterAll, beforeAll, expect, test } from "vitest";
import { fleetwire, startFleetwire } from "./fleetwire.ts";
import { startInstallation, type Installation } from "./installation.ts";

let installation: Installation;

beforeAll(async () => {
  installation = await startInstallation();
  for (const id of ["r1", "r2", "r3"]) {
    await installation.startAgent(id, ["--fleet", "edge", "--labels", `role=${id === "r3" ? "db" : "web"}`]);
  }
}, 120_000);
afterAll(() => installation?.close(), 60_000);

function rollout(...args: string[]) {
  return fleetwire(installation, "rollout", ...args);
}

/** Starts a rollout and gives its id. */
async function detached(...args: string[]): Promise<string> {
  const { code, stdout } = await rollout("run", "--detach", ...args);
  expect(code).toBe(0);
  return stdout;
}

test("run shows equal output once and exits with 0 when every agent has completed it", async () => {
  const { code, stdout, stderr } = await rollout(
    "run",
    "--fleet",
    "edge",
    "echo same; test $FLEETWIRE_AGENT_ID = r3 || echo web",
  );
  expect([code, stdout]).toEqual([0, "2 agents  completed  r1, r2\n  same\n  web\n\n1 agent  completed  r3\n  same"]);
  expect(stderr).toMatch(/for 3 agents\n[^]*\nfleetwire: all 3 completed, in /);
});

test("a dry run names whom a label finds, and nothing runs", async () => {
  const { code, stdout } = await rollout("run", "--label", "role=web", "--online", "--dry-run", "uptime");
  expect([code, stdout]).toEqual([0, "r1\nr2"]);
  const nobody = await rollout("run", "--label", "role=nobody", "uptime");
  expect([nobody.code, nobody.stderr]).toEqual([65, expect.stringContaining("no_targets")]);
});

test("one that fails somewhere exits with 1; its results are found, and retried there alone", async () => {
  const flag = `${installation.home}/mended`;
  const line = `test $FLEETWIRE_AGENT_ID != r2 || test -e ${flag} || { echo "no disk" >&2; exit 4; }`;
  const run = await rollout("run", "--fleet", "edge", line);
  expect([run.code, run.stdout]).toEqual([
    1,
    expect.stringContaining("1 agent  failed with exit code 4  r2\n  no disk"),
  ]);
  const id = /rollout ([0-9a-f-]{36})/.exec(run.stderr)?.[1] ?? "";
  for (const filter of [
    ["--status", "failed"],
    ["--exit-code", "4"],
    ["--text", "no disk"],
    ["--agent", "r2"],
  ]) {
    const results = await rollout("results", id, ...filter);
    expect(results.stdout.split("\n").map((row) => row.split(/ +/)[0])).toEqual(["AGENT", "r2"]);
  }
  await fleetwire(installation, "command", "run", "--agent", "r1", "--", "touch", flag);
  const retry = await rollout("retry", id);
  expect([retry.code, retry.stderr]).toEqual([0, expect.stringContaining("all 1 completed")]);
}, 120_000);

test("more errors than are allowed halt it", async () => {
  const args = ["--fleet", "edge", "--max-concurrency", "1", "--max-errors", "0", "exit 1"];
  const { code, stderr } = await rollout("run", ...args);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("halted at 1 error (0 allowed): 0 of 3 completed, 1 failed, 2 never queued"),
  ]);
});

test("--pick-one runs on one agent and ends as the command ended", async () => {
  const { code, stdout, stderr } = await rollout("run", "--label", "role=db", "--pick-one", "echo picked; exit 7");
  expect([code, stdout, stderr]).toEqual([7, "picked", expect.stringMatching(/^fleetwire: r3 runs it, as /)]);
});

test("Ctrl-C leaves it running; watch goes on, and stop --cancel-running ends it", async () => {
  const run = startFleetwire(installation, ["rollout", "run", "--fleet", "edge", "exec sleep 60"]);
  await run.waitForLine(/3 running/, 20_000);
  run.signal("SIGINT");
  const [, id = ""] = await run.waitForLine(/no longer following; rollout ([0-9a-f-]{36}) goes on/, 20_000);
  expect((await run.exited).code).toBe(130);
  const watch = startFleetwire(installation, ["rollout", "watch", id]);
  await watch.waitForLine(/3 running/, 20_000);
  const stopped = await rollout("stop", id, "--cancel-running");
  expect([stopped.code, stopped.stdout]).toEqual([0, `${id}  stopped`]);
  await watch.waitForLine(/stopped: 0 of 3 completed, 3 cancelled/, 20_000);
  expect((await watch.exited).code).toBe(1);
  const again = await rollout("stop", id);
  expect([again.code, again.stderr]).toEqual([65, expect.stringContaining("rollout_ended")]);
});

test("status and list tell of it; one that isn't there is 66", async () => {
  const id = await detached("--label", "role=db", "--max-errors", "3", "--", "echo", "a b");
  expect((await rollout("watch", id)).code).toBe(0);
  const status = await rollout("status", id);
  for (const words of ["completed", "all 1 completed", "role=db", "echo 'a b'", "0; more than 3 halt it"]) {
    expect(status.stdout).toContain(words);
  }
  const list = await rollout("list", "--status", "completed", "--limit", "1");
  expect(list.stdout).toMatch(new RegExp(`^ROLLOUT .*\\n${id} +completed +1/1 `));
  const unknown = await rollout("status", "nope");
  expect([unknown.code, unknown.stderr]).toEqual([66, expect.stringContaining("rollout_unknown")]);
});

test("following outlives a restart of the server, and tells the end", async () => {
  const run = startFleetwire(installation, ["rollout", "run", "--fleet", "edge", "sleep 3; echo over"]);
  await run.waitForLine(/3 running/, 20_000);
  await installation.server.kill9();
  await run.waitForLine(/trying again/, 20_000);
  await installation.startServer();
  expect((await run.exited).code).toBe(0);
  expect(run.stdout).toEqual(["3 agents  completed  r1, r2, r3", "  over"]);
}, 120_000);
