import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandSender, fleetwire, startFleetwire } from "./fleetwire.ts";
import { startInstallation, type Installation } from "./installation.ts";

let installation: Installation;

beforeAll(async () => {
  installation = await startInstallation();
  await installation.startAgent("a1");
}, 90_000);
afterAll(() => installation?.close(), 60_000);

test("run shows both streams apart and ends with the remote exit code", async () => {
  const { code, stdout, stderr } = await fleetwire(
    installation,
    "command",
    "run",
    "--agent",
    "a1",
    "echo out; echo err >&2; exit 7",
  );
  expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: "out", stderr: "err" });
});

test("run of a program passes its arguments untouched, without a shell", async () => {
  const args = ["$(id)", "a b", "-n", "*", "line\nbreak"];
  const { code, stdout } = await fleetwire(
    installation,
    "command",
    "run",
    "--agent",
    "a1",
    "--",
    "printf",
    "[%s]",
    ...args,
  );
  expect([code, stdout]).toEqual([0, "[$(id)][a b][-n][*][line\nbreak]"]);
});

test("run --json ends with the remote exit code and prints the whole command as JSON", async () => {
  const { code, stdout } = await fleetwire(
    installation,
    "--json",
    "command",
    "run",
    "--wait",
    "--agent",
    "a1",
    "echo hi; exit 3",
  );
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ status: "failed", result: { exitCode: 3, output: "hi\n" } });
});

test("a command whose own time limit is over ends the process with 124 and says so", async () => {
  const { code, stderr } = await fleetwire(
    installation,
    "command",
    "run",
    "--agent",
    "a1",
    "--time-limit",
    "1s",
    "sleep 60",
  );
  expect([code, stderr]).toEqual([124, expect.stringMatching(/^fleetwire: timeout/)]);
});

test("send --wait prints the output and ends as the command ended; PING completes", async () => {
  const sent = await fleetwire(installation, "command", "send", "--agent", "a1", "--wait", "echo done; exit 5");
  expect([sent.code, sent.stdout, sent.stderr]).toEqual([5, "done", expect.stringContaining("exit code 5")]);
  const ping = await fleetwire(installation, "command", "send", "--agent", "a1", "--type", "PING", "--wait");
  expect(ping.code).toBe(0);
});

test("an agent that isn't known is refused with 66; command-sender queues for it", async () => {
  const refused = await fleetwire(installation, "command", "send", "--agent", "nobody", "uptime");
  expect([refused.code, refused.stderr]).toEqual([66, expect.stringContaining("agent_unknown")]);
  const queued = await commandSender(installation, "--agent=agent123", "--type=STOP", "--params=reason=test");
  expect([queued.code, queued.stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36} queued$/)]);
  const id = queued.stdout.split(" ")[0] ?? "";
  const { stdout } = await fleetwire(installation, "--json", "command", "status", id);
  expect(JSON.parse(stdout)).toMatchObject({ agentId: "agent123", type: "STOP", parameters: { reason: "test" } });
});

test("a queued command is cancelled at once, again it is refused, and it shows in the list", async () => {
  const { stdout: id } = await fleetwire(
    installation,
    "command",
    "send",
    "--agent",
    "later",
    "--allow-unknown-agent",
    "true",
  );
  const cancelled = await fleetwire(installation, "command", "cancel", id);
  expect([cancelled.code, cancelled.stdout]).toEqual([0, `${id}  cancelled`]);
  const again = await fleetwire(installation, "command", "cancel", id);
  expect([again.code, again.stderr]).toEqual([65, expect.stringContaining("command_ended")]);
  const list = await fleetwire(installation, "command", "list", "--agent", "later", "--status", "cancelled,expired");
  expect(list.stdout.split("\n")).toEqual([expect.stringMatching(/^COMMAND +STATUS/), expect.stringContaining(id)]);
  const wrong = await fleetwire(installation, "command", "list", "--status", "nonsense");
  expect(wrong.code).toBe(65);
});

test("Ctrl-C in run cancels the command at the agent and reports how it ended", async () => {
  const run = startFleetwire(installation, ["command", "run", "--agent", "a1", "echo ready; exec sleep 60"]);
  await run.waitForLine(/ready/, 20_000);
  run.signal("SIGINT");
  await run.waitForLine(/cancelling/, 20_000);
  await run.waitForLine(/fleetwire: cancelled/, 20_000);
  expect((await run.exited).code).toBe(125);
}, 60_000);

test("a second Ctrl-C detaches and leaves the command running", async () => {
  const run = startFleetwire(installation, [
    "command",
    "run",
    "--agent",
    "a1",
    "trap '' TERM; echo ready; sleep 3; echo over",
  ]);
  await run.waitForLine(/ready/, 20_000);
  run.signal("SIGINT");
  await run.waitForLine(/cancelling/, 20_000);
  run.signal("SIGINT");
  const line = await run.waitForLine(/detached; ([0-9a-f-]{36}) may still run/, 20_000);
  expect((await run.exited).code).toBe(130);
  const waited = await fleetwire(installation, "command", "logs", "--follow", line[1] ?? "");
  expect(waited.code).toBe(0);
}, 60_000);

test("logs of an ended command are its bytes, and one stream alone where that is asked for", async () => {
  const line = "printf 'a\\nb\\n'; printf 'oops\\n' >&2";
  const { stdout: id } = await fleetwire(installation, "command", "send", "--agent", "a1", line);
  await fleetwire(installation, "command", "logs", "--follow", id);
  expect((await fleetwire(installation, "command", "logs", "--stream", "stdout", id)).stdout).toBe("a\nb");
  expect((await fleetwire(installation, "command", "logs", "--stream", "stderr", id)).stdout).toBe("oops");
});

test("join tokens are made, listed without their secret, and revoked", async () => {
  const created = await fleetwire(
    installation,
    "--json",
    "agents",
    "token",
    "--uses",
    "3",
    "--ttl",
    "10m",
    "--fleet",
    "edge",
  );
  const { token, tokenId }: { token: string; tokenId: string } = JSON.parse(created.stdout);
  const list = await fleetwire(installation, "agents", "token", "list");
  expect([list.stdout.includes(tokenId), list.stdout.includes(token)]).toEqual([true, false]);
  expect((await fleetwire(installation, "agents", "token", "revoke", tokenId)).code).toBe(0);
  expect((await fleetwire(installation, "agents", "token", "revoke", "no-such-token")).code).toBe(66);
});

test("a revoked agent is shown as revoked", async () => {
  await installation.startAgent("a2");
  expect((await fleetwire(installation, "agents", "revoke", "a2")).code).toBe(0);
  const { stdout } = await fleetwire(installation, "--json", "agents", "show", "a2");
  expect(JSON.parse(stdout)).toMatchObject({ agentId: "a2", status: "revoked" });
});

test("drain --wait ends when nothing runs; what is queued waits until the agent is put back", async () => {
  await installation.startAgent("a3");
  const go = join(installation.home, "go");
  const line = `while [ ! -e ${go} ]; do sleep 0.1; done`;
  const slow = await fleetwire(installation, "command", "send", "--agent", "a3", line);
  const late = await fleetwire(installation, "agents", "drain", "a3", "--wait", "--timeout", "100ms");
  expect([late.code, late.stderr]).toEqual([75, expect.stringContaining("is drained, but not idle after")]);
  writeFileSync(go, "");
  const drained = await fleetwire(installation, "agents", "drain", "a3", "--wait");
  expect(drained.code).toBe(0);
  const { stdout: ended } = await fleetwire(installation, "--json", "command", "status", slow.stdout);
  expect(JSON.parse(ended)).toMatchObject({ status: "completed" });

  const { stdout: id } = await fleetwire(installation, "command", "send", "--agent", "a3", "echo again");
  const shown = await fleetwire(installation, "agents", "show", "a3");
  expect(shown.stdout).toMatch(/draining +taken out of service by an operator/);
  expect((await fleetwire(installation, "agents", "list")).stdout).toMatch(/a3 +draining/);
  expect((await fleetwire(installation, "--json", "command", "status", id)).stdout).toContain('"queued"');
  expect((await fleetwire(installation, "agents", "undrain", "a3")).code).toBe(0);
  expect((await fleetwire(installation, "command", "logs", "--follow", id)).stdout).toBe("again");
  expect((await fleetwire(installation, "agents", "drain", "no-such-agent")).code).toBe(66);
}, 90_000);

test("sessions shows when an agent was connected, and why it went", async () => {
  const agent = await installation.startAgent("a4");
  await agent.stop();
  await installation.startAgent("a4");
  const { code, stdout } = await fleetwire(installation, "agents", "sessions", "a4");
  expect([code, stdout.split("\n")]).toEqual([
    0,
    [
      expect.stringMatching(/^EPOCH +CONNECTED +FOR +ENDED +REASON +SERVER +DETAIL$/),
      expect.stringMatching(/^ +2 .* open /),
      expect.stringMatching(/^ +1 .* agent_closed /),
    ],
  ]);
  const { stdout: json } = await fleetwire(installation, "--json", "agents", "sessions", "a4", "--limit", "1");
  expect(JSON.parse(json)).toMatchObject({ items: [{ epoch: 2 }], nextCursor: null });
  expect((await fleetwire(installation, "agents", "sessions", "no-such-agent")).code).toBe(66);
}, 90_000);

test("run outlives a restart of the server: the output comes once and whole", async () => {
  const lines = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; sleep 0.5; done; exit 4";
  const run = startFleetwire(installation, ["command", "run", "--agent", "a1", lines]);
  await run.waitForLine(/^line 2$/, 20_000);
  await installation.server.kill9();
  await installation.startServer();
  expect((await run.exited).code).toBe(4);
  expect(run.stdout).toEqual(Array.from({ length: 12 }, (_, index) => `line ${index + 1}`));
}, 90_000);
