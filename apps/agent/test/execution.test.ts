import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eventually, tempDir } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { isRunning } from "./support/processes.ts";
import { outputOf, startTestServer, type TestServer, type TestStream } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;
let stream: TestStream;

beforeAll(async () => {
  server = await startTestServer();
  agent = startAgentProcess(server, {
    args: ["--kill-grace", "300ms", "--concurrency", "8"],
    env: { FLEETWIRE_TEST_SECRET: "not for commands" },
  });
  stream = await server.stream();
});
afterEach(() => {
  stream.frames.length = 0;
});
afterAll(async () => {
  await agent.stop();
  await server.stop();
});

test("a line runs in the shell, and its output comes back with the result", async () => {
  const assignNo = stream.assign({ commandId: "echo", command: "echo one; echo two >&2; echo $((1 + 2))" });
  const result = await stream.result("echo");
  expect(result).toMatchObject({
    assignNo,
    attempt: 1,
    outcome: "OUTCOME_EXITED",
    exitCode: 0,
    recorded: true,
    error: "",
  });
  expect(outputOf(stream, "echo").split("\n").toSorted()).toEqual(["", "3", "one", "two"]);
  expect(result.outputBytes).toBe(10);
  const started = await stream.wait("started");
  expect(started).toMatchObject({ commandId: "echo", assignNo, recorded: true });
});

test("a program with arguments runs without a shell", async () => {
  stream.assign({ commandId: "argv", command: "printf", hasArgs: true, args: ["%s|", "$HOME", "a b", ";"] });
  expect((await stream.result("argv")).exitCode).toBe(0);
  expect(outputOf(stream, "argv")).toBe("$HOME|a b|;|");
});

test("a program without arguments is not taken for a line", async () => {
  stream.assign({ commandId: "bare", command: "echo hi; true", hasArgs: true });
  expect(await stream.result("bare")).toMatchObject({ outcome: "OUTCOME_FAILED", error: "spawn_failed", exitCode: -1 });
});

test("the exit code is the command's, and 128 + n where a signal ended it", async () => {
  stream.assign({ commandId: "three", command: "exit 3" });
  stream.assign({ commandId: "killed", command: "kill -KILL $$" });
  expect(await stream.result("three")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 3 });
  expect(await stream.result("killed")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 137 });
});

test("a command that can't be spawned fails, and nothing ran", async () => {
  stream.assign({ commandId: "none", command: "/no/such/program", hasArgs: true });
  stream.assign({ commandId: "nul", command: "echo", hasArgs: true, args: ["a\0b"] });
  for (const commandId of ["none", "nul"]) {
    expect(await stream.result(commandId)).toMatchObject({
      outcome: "OUTCOME_FAILED",
      error: "spawn_failed",
      exitCode: -1,
      recorded: true,
    });
  }
});

test("a line that begins like an option is a line for the shell, not an option of it", async () => {
  for (const [commandId, command] of Object.entries({ minus: "--version", plus: "+x" })) {
    stream.assign({ commandId, command });
    expect(await stream.result(commandId)).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 127 });
  }
});

test("its streams can be opened by name", async () => {
  stream.assign({ commandId: "names", command: "echo one > /dev/stdout; echo two > /dev/stderr; echo three >&2" });
  expect((await stream.result("names")).exitCode).toBe(0);
  expect(outputOf(stream, "names").split("\n").toSorted()).toEqual(["", "one", "three", "two"]);
});

test("commands go on when someone tidies the agent's pipes away", async () => {
  rmSync(join(agent.dataDirectory, "pipes"), { recursive: true });
  stream.assign({ commandId: "tidied", command: "echo here" });
  expect(await stream.result("tidied")).toMatchObject({ exitCode: 0, error: "" });
  expect(outputOf(stream, "tidied")).toBe("here\n");
});

test("stdin is empty", async () => {
  stream.assign({ commandId: "stdin", command: "wc -c" });
  await stream.result("stdin");
  expect(outputOf(stream, "stdin").trim()).toBe("0");
});

test("a command sees the allowed variables, its own id, and nothing else of the agent's", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  stream.assign({ commandId: "env", command: "/usr/bin/env", hasArgs: true, traceparent });
  await stream.result("env");
  const names = outputOf(stream, "env").trim().split("\n");
  expect(names).toContain("FLEETWIRE_COMMAND_ID=env");
  expect(names).toContain("FLEETWIRE_AGENT_ID=agent-1");
  expect(names).toContain(`TRACEPARENT=${traceparent}`);
  expect(names.some((line) => line.startsWith("PATH="))).toBe(true);
  expect(names.join("\n")).not.toMatch(/JOIN_TOKEN|TEST_SECRET|NODE_/);
});

test("when its time is over the whole group is ended, TERM first", async () => {
  const folder = tempDir("timeout");
  const command = `trap 'echo asked > ${folder}/asked; exit 7' TERM; sleep 60 & echo $! > ${folder}/child; wait`;
  stream.assign({ commandId: "late", command, timeoutMs: 400 });
  const result = await stream.result("late");
  expect(result).toMatchObject({ outcome: "OUTCOME_TIMEOUT", error: "timeout", exitCode: 7, recorded: true });
  expect(result.durationMs).toBeGreaterThanOrEqual(400);
  expect(existsSync(join(folder, "asked"))).toBe(true);
  await expectGone(Number(readFileSync(join(folder, "child"), "utf8")));
});

test("what ignores TERM is killed after the grace, its children too", async () => {
  const folder = tempDir("deaf");
  const command = `trap '' TERM; sh -c 'echo $$ > ${folder}/child; while :; do sleep 1; done' & wait; while :; do sleep 1; done`;
  stream.assign({ commandId: "deaf", command, timeoutMs: 500 });
  expect(await stream.result("deaf")).toMatchObject({ outcome: "OUTCOME_TIMEOUT", exitCode: 137 });
  await expectGone(Number(readFileSync(join(folder, "child"), "utf8")));
});

test("a cancel ends what runs", async () => {
  const assignNo = stream.assign({ commandId: "cancelled", command: "echo begun; sleep 60" });
  await stream.wait("output", ({ commandId }) => commandId === "cancelled");
  stream.cancel("cancelled", assignNo);
  expect(await stream.result("cancelled")).toMatchObject({
    outcome: "OUTCOME_CANCELLED",
    error: "cancelled",
    exitCode: 143,
  });
});

test("a grandchild that holds the output doesn't hold the result, and is ended", async () => {
  const folder = tempDir("grandchild");
  stream.assign({ commandId: "held", command: `echo done; (sleep 60; echo never) & echo $! > ${folder}/child` });
  const result = await stream.result("held");
  expect(result).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0 });
  expect(result.errorMessage).toBe("processes that it had started held its output and were ended");
  expect(result.durationMs).toBeLessThan(5_000);
  expect(outputOf(stream, "held")).toBe("done\n");
  await expectGone(Number(readFileSync(join(folder, "child"), "utf8")));
});

test("a grandchild in a group of its own that writes without end is cut off", async () => {
  const folder = tempDir("escaped");
  const escape = `setsid sh -c 'echo $$ > ${folder}/child; while :; do echo tick; sleep 0.05; done'`;
  stream.assign({ commandId: "escaped", command: `${escape} & sleep 0.3` });
  const result = await stream.result("escaped");
  const child = Number(readFileSync(join(folder, "child"), "utf8"));
  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.errorMessage).toContain("held its output");
  // It is out of reach of the group; writing to a closed pipe ends it.
  await expectGone(child);
});

test("a child that let go of the output may stay", async () => {
  const folder = tempDir("service");
  stream.assign({ commandId: "service", command: `sleep 60 >/dev/null 2>&1 & echo $! > ${folder}/child` });
  expect(await stream.result("service")).toMatchObject({ exitCode: 0, errorMessage: "" });
  const child = Number(readFileSync(join(folder, "child"), "utf8"));
  process.kill(child, "SIGKILL");
  await expectGone(child);
});

test("what this agent can't run is refused with the reason, on record", async () => {
  stream.assign({ commandId: "type", type: "TELEPORT" });
  stream.assign({ commandId: "json", command: "true", parametersJson: "{" });
  stream.assign({ commandId: "list", command: "true", parametersJson: "[]" });
  stream.assign({ commandId: "schema", type: "STOP", parametersJson: '{"reason":3}' });
  stream.assign({ commandId: "empty", command: "  " });
  const failed = { outcome: "OUTCOME_FAILED", exitCode: -1, recorded: true };
  expect(await stream.result("type")).toMatchObject({ ...failed, error: "unsupported_type" });
  for (const commandId of ["json", "list", "schema", "empty"]) {
    expect(await stream.result(commandId)).toMatchObject({ ...failed, error: "invalid_parameters" });
  }
});

test("PING is answered at once, without start report and ledger", async () => {
  stream.assign({ commandId: "ping", type: "PING" });
  expect(await stream.result("ping")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0, recorded: false });
  expect(outputOf(stream, "ping")).toBe("pong\n");
  expect(stream.frames.some(({ started }) => started)).toBe(false);
});

test("FACTS gives the machine's inventory as JSON", async () => {
  stream.assign({ commandId: "facts", type: "FACTS" });
  expect(await stream.result("facts")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0, recorded: false });
  const facts: unknown = JSON.parse(outputOf(stream, "facts"));
  expect(facts).toMatchObject({
    agent: { id: "agent-1", node: process.version },
    os: { platform: process.platform },
    arch: process.arch,
    cpus: { count: expect.any(Number) },
    memory: { totalBytes: expect.any(Number) },
    hostname: expect.any(String),
    networkInterfaces: expect.any(Array),
    disks: expect.any(Array),
  });
});

async function expectGone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  await eventually(() => !isRunning(pid), { deadlineMs: 5_000, what: `the end of process ${pid}` });
}
