import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, tempDir } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { isRunning } from "./support/processes.ts";
import { startTestServer, type TestServer, type TestStream } from "./support/test-server.ts";

/** Processes that leave their command's group by `setsid`, with their output closed: nothing holds them any more. */
let server: TestServer;
let agent: AgentProcess;
let stream: TestStream;
let escaped: number[] = [];

beforeAll(async () => {
  server = await startTestServer();
  agent = startAgentProcess(server, { args: ["--kill-grace", "300ms", "--concurrency", "8"] });
  stream = await server.stream();
});
afterEach(() => {
  for (const pid of escaped) if (isRunning(pid)) process.kill(pid, "SIGKILL");
  escaped = [];
  stream.frames.length = 0;
});
afterAll(async () => {
  await agent.stop();
  await server.stop();
});

const silent = "< /dev/null > /dev/null 2>&1";

/** A script that writes its pid to `file` and then does `rest`, in a session of its own. */
function escapee(file: string, rest = "exec sleep 300"): string {
  const script = join(tempDir("script"), "escapee.sh");
  writeFileSync(script, `echo $$ > ${file}.new; mv ${file}.new ${file}\n${rest}\n`);
  return `setsid sh ${script} ${silent} &`;
}

/** The pid that an escapee wrote; it is ended after the test. */
async function pidIn(file: string): Promise<number> {
  await eventually(() => existsSync(file), { deadlineMs: 15_000, what: file });
  const pid = Number(readFileSync(file, "utf8"));
  escaped.push(pid);
  return pid;
}

const fileIn = () => join(tempDir("escaped"), "pid");

test("when its time is over, what had left its group is ended too", async () => {
  const file = fileIn();
  stream.assign({ commandId: "late", command: `${escapee(file)} sleep 300`, timeoutMs: 1_500 });
  const pid = await pidIn(file);
  expect(await stream.result("late")).toMatchObject({
    outcome: "OUTCOME_TIMEOUT",
    leftRunning: [],
    errorMessage: "its 1500 ms were over",
  });
  expect(isRunning(pid)).toBe(false);
});

test("on cancel, a daemon whose parents are gone and that ignores TERM is killed after the grace", async () => {
  const file = fileIn();
  const daemon = escapee(file, "trap '' TERM; while :; do sleep 1; done");
  const assignNo = stream.assign({ commandId: "deaf", command: `(${daemon}) ; sleep 300` });
  const pid = await pidIn(file);
  stream.cancel("deaf", assignNo);
  expect(await stream.result("deaf")).toMatchObject({ outcome: "OUTCOME_CANCELLED", leftRunning: [] });
  expect(isRunning(pid)).toBe(false);
});

test("what it starts while it is being ended is ended too", async () => {
  const [first, second] = [fileIn(), fileIn()];
  const heir = escapee(second);
  const assignNo = stream.assign({
    commandId: "heir",
    command: `${escapee(first, `trap '${heir} exit' TERM; while :; do sleep 0.1; done`)} sleep 300`,
  });
  const pid = await pidIn(first);
  stream.cancel("heir", assignNo);
  expect(await stream.result("heir")).toMatchObject({ outcome: "OUTCOME_CANCELLED", leftRunning: [] });
  const next = existsSync(second) ? [await pidIn(second)] : [];
  expect([pid, ...next].filter(isRunning)).toEqual([]);
});

test("one that cleared its environment is ended as long as its parents live", async () => {
  const file = fileIn();
  const assignNo = stream.assign({ commandId: "bare", command: `env -i PATH="$PATH" ${escapee(file)} wait` });
  const pid = await pidIn(file);
  stream.cancel("bare", assignNo);
  await stream.result("bare");
  expect(isRunning(pid)).toBe(false);
});

test("one that cleared its environment, and whose parents are gone, isn't found, as the README says", async () => {
  const file = fileIn();
  const assignNo = stream.assign({
    commandId: "unseen",
    command: `(env -i PATH="$PATH" ${escapee(file)}) ; sleep 300`,
  });
  const pid = await pidIn(file);
  stream.cancel("unseen", assignNo);
  expect(await stream.result("unseen")).toMatchObject({ leftRunning: [] });
  expect(isRunning(pid)).toBe(true);
});

test("a daemon that a command starts and leaves is told with the result, and left alone", async () => {
  const file = fileIn();
  stream.assign({ commandId: "daemon", command: `${escapee(file)} while [ ! -e ${file} ]; do sleep 0.02; done` });
  const pid = await pidIn(file);
  const result = await stream.result("daemon");
  expect(result).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0, errorMessage: "" });
  expect(result.leftRunning).toEqual([{ pid, command: "sleep 300" }]);
  expect(isRunning(pid)).toBe(true);
});

test("at most twenty are told", async () => {
  const folder = tempDir("many");
  const many = `for i in $(seq 25); do setsid sh -c 'echo $$ > ${folder}/'$i'; exec sleep 300' ${silent} & done; wait_for=${folder}/25; while [ $(ls ${folder} | wc -l) -lt 25 ]; do sleep 0.05; done`;
  stream.assign({ commandId: "many", command: many });
  const result = await stream.result("many");
  for (let n = 1; n <= 25; n += 1) escaped.push(Number(readFileSync(join(folder, String(n)), "utf8")));
  expect(result.leftRunning).toHaveLength(20);
});

test("what ends with its command isn't told", async () => {
  for (const [commandId, command] of Object.entries({
    plain: "true",
    piped: "echo a | cat | cat",
    brief: "sleep 0.02 & true",
  })) {
    stream.assign({ commandId, command });
    expect(await stream.result(commandId)).toMatchObject({ exitCode: 0, leftRunning: [], errorMessage: "" });
  }
});

test("a long list of arguments is cut, and a process without one is shown by its name", async () => {
  const file = fileIn();
  const long = "y".repeat(500);
  const script = `sh -c 'echo $$ > ${file}; sleep 300; : ${long}' ${silent} &`;
  stream.assign({ commandId: "long", command: `${script} while [ ! -s ${file} ]; do sleep 0.02; done` });
  await pidIn(file);
  const [shown] = (await stream.result("long")).leftRunning;
  expect(shown?.command).toHaveLength(200);
  expect(shown?.command).toMatch(/^sh -c echo/);
  for (const { pid } of (await stream.result("long")).leftRunning) escaped.push(pid);
});

test("after a crash of the agent the next start ends what had left the group of an interrupted command, and no daemon of one that had ended", async () => {
  const own = await startTestServer();
  const first = startAgentProcess(own, { args: ["--kill-grace", "300ms"] });
  const [daemonFile, file] = [fileIn(), fileIn()];
  try {
    const before = await own.stream();
    before.assign({
      commandId: "c",
      attempt: 1,
      command: `${escapee(daemonFile)} while [ ! -e ${daemonFile} ]; do sleep 0.02; done`,
    });
    await before.wait("result");
    before.assign({ commandId: "c", attempt: 2, command: `${escapee(file)} sleep 300` });
    const [daemon, pid] = [await pidIn(daemonFile), await pidIn(file)];
    await first.kill9();
    expect([daemon, pid].every(isRunning)).toBe(true);
    const second = startAgentProcess(own, {
      dataDirectory: first.dataDirectory,
      joinToken: null,
      args: ["--kill-grace", "300ms"],
    });
    await own.stream(1);
    expect([isRunning(daemon), isRunning(pid)]).toEqual([true, false]);
    await second.stop();
  } finally {
    await first.stop();
    await own.stop();
  }
});

test("the looking can be turned off: then only the group counts", async () => {
  const own = await startTestServer();
  const blind = startAgentProcess(own, { args: ["--no-track-processes", "--kill-grace", "300ms"] });
  const file = fileIn();
  try {
    const on = await own.stream();
    const assignNo = on.assign({ commandId: "c", command: `${escapee(file)} sleep 300` });
    const pid = await pidIn(file);
    on.cancel("c", assignNo);
    expect(await on.result("c")).toMatchObject({ outcome: "OUTCOME_CANCELLED", leftRunning: [] });
    expect(isRunning(pid)).toBe(true);
  } finally {
    await blind.stop();
    await own.stop();
  }
});
