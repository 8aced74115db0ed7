import {
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import { eventually, startProcess, tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { rewriteRecordedPid } from "./support/ledger-edit.ts";
import { isRunning } from "./support/processes.ts";
import { outputOf, startTestServer, type TestServer, type TestServerOptions } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;

async function start(options: TestServerOptions = {}) {
  server = await startTestServer(options);
  agent = startAgentProcess(server, { args: ["--kill-grace", "300ms", "--concurrency", "100"] });
  return server.stream();
}

function startAgain(): void {
  agent = startAgentProcess(server, {
    dataDirectory: agent.dataDirectory,
    args: ["--kill-grace", "300ms", "--concurrency", "100"],
    joinToken: null,
  });
}

afterEach(async () => {
  await agent.stop();
  await server.stop();
});

function counted(): { command: string; runs: () => number } {
  const file = join(tempDir("count"), "runs");
  return {
    command: `echo run >> ${file}`,
    runs: () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0),
  };
}

test("killed while a command runs, it reports the command as interrupted, ends its orphans and runs it no more", async () => {
  const stream = await start();
  const { command, runs } = counted();
  const folder = tempDir("orphan");
  const assignNo = stream.assign({
    commandId: "cut",
    command: `${command}; sleep 300 & echo $! > ${folder}/child; echo $$ > ${folder}/leader; wait`,
  });
  await eventually(() => existsSync(join(folder, "leader")), { deadlineMs: 10_000 });
  await agent.kill9();
  const pids = ["leader", "child"].map((name) => Number(readFileSync(join(folder, name), "utf8")));
  expect(pids.every(isRunning)).toBe(true);
  startAgain();
  const again = await server.stream(1);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(again.hello).toMatchObject({
    ledgerId: stream.hello.ledgerId,
    highest: assignNo,
    held: [{ commandId: "cut", assignNo, attempt: 1, state: "HELD_STATE_DONE" }],
  });
  expect(again.hello.bootId).not.toBe(stream.hello.bootId);
  expect(await again.result("cut")).toMatchObject({ outcome: "OUTCOME_FAILED", error: "interrupted", exitCode: -1 });
  again.frames.length = 0;
  again.assign({ commandId: "cut", command, assignNo });
  expect(await again.result("cut")).toMatchObject({ error: "interrupted" });
  expect(runs()).toBe(1);
});

test("the orphans of a leader that is gone are found too", async () => {
  const stream = await start();
  const folder = tempDir("leaderless");
  stream.assign({
    commandId: "leaderless",
    command: `sh -c 'echo $$ > ${folder}/child; exec sleep 300' & while [ ! -e ${folder}/child ]; do sleep 0.05; done; echo $$ > ${folder}/leader; wait`,
  });
  await eventually(() => existsSync(join(folder, "leader")), { deadlineMs: 10_000 });
  await agent.kill9();
  process.kill(Number(readFileSync(join(folder, "leader"), "utf8")), "SIGKILL");
  startAgain();
  await server.stream(1);
  expect(isRunning(Number(readFileSync(join(folder, "child"), "utf8")))).toBe(false);
});

test("a process that only has the pid of an orphan is left alone", async () => {
  const stream = await start();
  const folder = tempDir("reused");
  stream.assign({ commandId: "reused", command: `echo $$ > ${folder}/leader; sleep 300` });
  await eventually(() => existsSync(join(folder, "leader")), { deadlineMs: 10_000 });
  // Its result comes after what the ledger was asked to write before.
  stream.assign({ commandId: "after", command: "true" });
  await stream.result("after");
  await agent.kill9();
  const leader = Number(readFileSync(join(folder, "leader"), "utf8"));
  process.kill(-leader, "SIGKILL");
  const bystander = startProcess({ name: "bystander", command: "sleep", args: ["300"] });
  rewriteRecordedPid(join(agent.dataDirectory, "ledger.db"), "reused", bystander.pid);
  startAgain();
  await server.stream(1);
  expect(isRunning(bystander.pid)).toBe(true);
  await bystander.stop();
});

test("killed before it had the command, it doesn't hold it", async () => {
  const stream = await start();
  await agent.waitForLine(/agent connected/);
  await agent.kill9();
  startAgain();
  const again = await server.stream(1);
  expect(again.hello).toMatchObject({ ledgerId: stream.hello.ledgerId, highest: 0, held: [], seenEpoch: stream.epoch });
});

test("killed after the end of a command, it still has the result with its output", async () => {
  const stream = await start({ acknowledges: false });
  const { command, runs } = counted();
  stream.assign({ commandId: "ended", command: `${command}; echo kept; exit 5` });
  await stream.result("ended");
  await agent.kill9();
  startAgain();
  const again = await server.stream(1);
  expect(again.hello.held).toMatchObject([{ commandId: "ended", state: "HELD_STATE_DONE" }]);
  const result = await again.result("ended");
  expect(result).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 5, outputBytes: 5 });
  expect(outputOf(again, "ended")).toBe("kept\n");
  expect(runs()).toBe(1);
  again.acknowledge(result);
});

test("killed in the middle of a hundred commands, none runs twice and what ended is known", async () => {
  const stream = await start({ acknowledges: false });
  const folder = tempDir("hundred");
  const numbers = new Map<string, number>();
  for (let n = 0; n < 100; n += 1) {
    const commandId = `c${n}`;
    numbers.set(commandId, stream.assign({ commandId, command: `echo ${commandId} >> ${folder}/runs` }));
  }
  await eventually(() => stream.frames.filter(({ result }) => result).length >= 5, { deadlineMs: 20_000 });
  await agent.kill9();
  const said = stream.frames.flatMap(({ result }) => result?.commandId ?? []);
  startAgain();
  const again = await server.stream(1);
  const held = new Map(again.hello.held.map((entry) => [entry.commandId, entry]));
  for (const commandId of said) expect(held.get(commandId)).toMatchObject({ state: "HELD_STATE_DONE" });
  // What isn't held had never started: it may be given again, and everything else keeps its number.
  for (const [commandId, entry] of held) expect(entry.assignNo).toBe(numbers.get(commandId));
  const missing = [...numbers.keys()].filter((commandId) => !held.has(commandId));
  const ran = readFileSync(join(folder, "runs"), "utf8").trim().split("\n");
  expect(new Set(ran).size).toBe(ran.length);
  expect(missing.filter((commandId) => ran.includes(commandId))).toEqual([]);
});

test.each([
  ["cut short", (path: string) => truncateSync(path, 5_000)],
  ["overwritten", (path: string) => writeFileSync(path, "this was a ledger once".repeat(500))],
  ["with a page of noise", (path: string) => overwrite(path, 4_096, 4_096)],
])("a ledger %s is put aside with an error, and another one begun", async (_damage, damage) => {
  const stream = await start();
  stream.assign({ commandId: "one", command: "true" });
  await stream.result("one");
  await agent.stop();
  const path = join(agent.dataDirectory, "ledger.db");
  damage(path);
  startAgain();
  const again = await server.stream(1);
  expect(again.hello).toMatchObject({ highest: 0, held: [] });
  expect(again.hello.ledgerId).not.toBe(stream.hello.ledgerId);
  await agent.waitForLine(/"level":"error".*the ledger was damaged/);
  expect(readdirSync(agent.dataDirectory).some((name) => name.startsWith("ledger.db.damaged-"))).toBe(true);
  again.assign({ commandId: "two", command: "true" });
  expect(await again.result("two")).toMatchObject({ exitCode: 0, recorded: true });
});

test("an older copy of the ledger is seen by what it doesn't know", async () => {
  const stream = await start();
  stream.assign({ commandId: "one", command: "true" });
  await stream.result("one");
  await agent.stop();
  const path = join(agent.dataDirectory, "ledger.db");
  copyFileSync(path, `${path}.copy`);
  startAgain();
  const second = await server.stream(1);
  second.assign({ commandId: "two", command: "true" });
  await second.result("two");
  await agent.stop();
  copyFileSync(`${path}.copy`, path);
  startAgain();
  const third = await server.stream(2);
  expect(third.hello).toMatchObject({ ledgerId: stream.hello.ledgerId, highest: 1, seenEpoch: stream.epoch });
});

test("two processes can't use one ledger: the second says so and ends with 73", async () => {
  const stream = await start();
  const second = startAgentProcess(server, { dataDirectory: agent.dataDirectory });
  expect((await second.exited).code).toBe(exitCodes.dataUnavailable);
  expect(second.output.join("\n")).toContain("another process");
  stream.assign({ commandId: "still", type: "PING" });
  await stream.result("still");
});

function overwrite(path: string, at: number, length: number): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(length, 0xa5), 0, length, at);
  closeSync(file);
}
