import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@fleetwire/testbed";
import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import { raiseHorizon } from "./support/ledger-edit.ts";
import { type AgentProcess, type AgentProcessOptions, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer, type TestServerOptions } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;

async function start(serverOptions: TestServerOptions = {}, agentOptions: AgentProcessOptions = {}) {
  server = await startTestServer(serverOptions);
  agent = startAgentProcess(server, agentOptions);
  return server.stream();
}
afterEach(async () => {
  await agent.stop();
  await server.stop();
});

/** A command whose runs can be counted. */
function counted(): { command: string; runs: () => number } {
  const file = join(tempDir("count"), "runs");
  return {
    command: `echo run >> ${file}; echo output`,
    runs: () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0),
  };
}

test("the line `agent connected` gives the epoch, and the hello is signed and complete", async () => {
  const stream = await start({}, { args: ["--labels", "zone=a,disk=ssd", "--fleet", "blue", "--concurrency", "7"] });
  await agent.waitForLine(/"epoch":1.*agent connected/);
  expect(stream.hello).toMatchObject({
    agentId: "agent-1",
    seenEpoch: 0,
    highest: 0,
    horizon: 0,
    held: [],
    profile: { fleet: "blue", labels: { zone: "a", disk: "ssd" }, concurrency: 7, draining: false },
  });
  expect(stream.hello.profile?.types.map(({ type }) => type)).toEqual(["SHELL", "PING", "FACTS", "STOP", "RESTART"]);
});

test("a duplicated assignment runs once, while it runs and after its end", async () => {
  const stream = await start({ acknowledges: false });
  const { command, runs } = counted();
  const first = { commandId: "once", command: `${command}; sleep 0.3`, assignNo: 1 };
  stream.assign(first);
  stream.assign(first);
  const result = await stream.result("once");
  stream.frames.length = 0;
  stream.assign(first);
  expect(await stream.result("once")).toMatchObject({ assignNo: 1, exitCode: 0, outputBytes: 7 });
  stream.acknowledge(result);
  stream.frames.length = 0;
  stream.assign(first);
  expect(await stream.result("once")).toMatchObject({ assignNo: 1, exitCode: 0 });
  expect(runs()).toBe(1);
  stream.acknowledge(result);
});

test("a run that comes again under a later number is answered under that one", async () => {
  const stream = await start();
  const { command, runs } = counted();
  stream.assign({ commandId: "again", command, assignNo: 1 });
  await stream.result("again");
  stream.frames.length = 0;
  stream.assign({ commandId: "again", command, assignNo: 5 });
  expect(await stream.result("again")).toMatchObject({ assignNo: 5, exitCode: 0 });
  expect(runs()).toBe(1);
});

test("another attempt of the same command is another run", async () => {
  const stream = await start();
  const { command, runs } = counted();
  stream.assign({ commandId: "retried", command, attempt: 1 });
  stream.assign({ commandId: "retried", command, attempt: 2 });
  await stream.wait("result", ({ attempt }) => attempt === 1);
  await stream.wait("result", ({ attempt }) => attempt === 2);
  expect(runs()).toBe(2);
});

test("a frame of another epoch than the stream's is dropped", async () => {
  const stream = await start();
  const { command, runs } = counted();
  stream.assign({ commandId: "old", command, epoch: stream.epoch - 1 });
  stream.assign({ commandId: "future", command, epoch: stream.epoch + 1 });
  stream.assign({ commandId: "present", command });
  await stream.result("present");
  expect(runs()).toBe(1);
  expect(stream.frames.filter(({ started }) => started && started.commandId !== "present")).toEqual([]);
});

test("a cancel that comes before its command is recorded, and the late command starts nothing", async () => {
  const stream = await start();
  const { command, runs } = counted();
  stream.cancel("unborn", 1);
  expect(await stream.wait("refused")).toMatchObject({
    commandId: "unborn",
    assignNo: 1,
    reason: "REFUSAL_REASON_CANCELLED",
    recorded: true,
  });
  stream.frames.length = 0;
  stream.assign({ commandId: "unborn", command, assignNo: 1 });
  expect(await stream.wait("refused")).toMatchObject({ reason: "REFUSAL_REASON_CANCELLED" });
  expect(runs()).toBe(0);
  stream.close();
  const again = await server.stream(1);
  expect(again.hello).toMatchObject({ highest: 1, held: [{ commandId: "unborn", state: "HELD_STATE_REFUSED" }] });
});

test("a refused command may come again under a later number, and then runs", async () => {
  const stream = await start();
  const { command, runs } = counted();
  stream.assign({ commandId: "late", command, startWindowMs: 0 });
  expect(await stream.wait("refused")).toMatchObject({ reason: "REFUSAL_REASON_WINDOW_OVER", recorded: true });
  stream.assign({ commandId: "late", command });
  expect(await stream.result("late")).toMatchObject({ assignNo: 2, exitCode: 0 });
  expect(runs()).toBe(1);
});

test("more than it may run at once is refused, while PING still goes through", async () => {
  const stream = await start({}, { args: ["--concurrency", "1"] });
  const slow = stream.assign({ commandId: "slow", command: "sleep 60" });
  await stream.wait("started");
  stream.assign({ commandId: "second", command: "true" });
  stream.assign({ commandId: "ping", type: "PING" });
  expect(await stream.wait("refused")).toMatchObject({ commandId: "second", reason: "REFUSAL_REASON_BUSY" });
  await stream.result("ping");
  stream.cancel("slow", slow);
  await stream.result("slow");
  stream.assign({ commandId: "second", command: "true" });
  expect(await stream.result("second")).toMatchObject({ exitCode: 0 });
});

test("a result is sent again on every stream until it is acknowledged", async () => {
  const stream = await start({ acknowledges: false });
  const assignNo = stream.assign({ commandId: "kept", command: "echo kept; exit 4" });
  await stream.result("kept");
  stream.close();
  const second = await server.stream(1);
  expect(second.hello).toMatchObject({
    highest: assignNo,
    seenEpoch: stream.epoch,
    held: [{ commandId: "kept", assignNo, attempt: 1, state: "HELD_STATE_DONE" }],
  });
  const result = await second.result("kept");
  expect(result).toMatchObject({ assignNo, exitCode: 4, recorded: true });
  expect(outputOf(second, "kept")).toBe("kept\n");
  second.acknowledge(result);
  // The answer to a PING comes after the acknowledgement was handled.
  second.assign({ commandId: "ping", type: "PING" });
  await second.result("ping");
  second.close();
  expect((await server.stream(2)).hello).toMatchObject({ highest: assignNo, held: [] });
});

test("a command goes on through a break of the stream, and is reported on the next", async () => {
  const stream = await start();
  const { command, runs } = counted();
  const folder = tempDir("through");
  const assignNo = stream.assign({
    commandId: "through",
    command: `${command}; while [ ! -e ${folder}/go ]; do sleep 0.05; done`,
  });
  await stream.wait("output");
  stream.close();
  const again = await server.stream(1);
  expect(again.hello.held).toMatchObject([{ commandId: "through", assignNo, state: "HELD_STATE_RUNNING" }]);
  again.assign({ commandId: "go", command: `touch ${folder}/go` });
  expect(await again.result("through")).toMatchObject({ assignNo, exitCode: 0 });
  expect(runs()).toBe(1);
});

test("a hello comes after all that was said before it is written", async () => {
  // Forty refusals and a break at once: those that weren't said are in the next hello.
  const stream = await start({}, { args: ["--concurrency", "1"] });
  const numbers = Array.from({ length: 40 }, (_, n) => stream.assign({ commandId: `c${n}`, startWindowMs: 0 }));
  await stream.wait("refused");
  stream.close();
  const again = await server.stream(1);
  const said = stream.frames.flatMap(({ refused }) => refused?.assignNo ?? []);
  const held = again.hello.held.map(({ assignNo }) => assignNo);
  expect(said.length).toBeGreaterThan(0);
  expect(again.hello.highest).toBe(Math.max(...held));
  expect(said.filter((assignNo) => !held.includes(assignNo))).toEqual([]);
  expect(numbers).toEqual(expect.arrayContaining(held));
});

test("heartbeats tell what runs; without an acknowledgement the stream is given up", async () => {
  const stream = await start({
    heartbeats: false,
    welcome: () => ({ heartbeatIntervalMs: 50, heartbeatTimeoutMs: 400 }),
  });
  expect(await stream.wait("heartbeat")).toMatchObject({ sequence: 1, running: 0 });
  expect((await server.stream(1)).hello.bootId).toBe(stream.hello.bootId);
  await agent.waitForLine(/no heartbeat acknowledged for \d+ ms/);
});

test("that it became busy, full or idle is told at once, however rare heartbeats are", async () => {
  const stream = await start({ welcome: () => ({ heartbeatIntervalMs: 600_000 }) }, { args: ["--concurrency", "2"] });
  const numbers = ["a", "b"].map((commandId) => stream.assign({ commandId, command: "sleep 60" }));
  const full = await stream.wait("heartbeat", ({ running }) => running === 2);
  stream.cancel("a", numbers[0] ?? 0);
  const busy = await stream.wait("heartbeat", ({ running, sequence }) => running === 1 && sequence > full.sequence);
  stream.cancel("b", numbers[1] ?? 0);
  const idle = await stream.wait("heartbeat", ({ running, sequence }) => running === 0 && sequence > busy.sequence);
  expect(idle.sequence).toBeLessThanOrEqual(6);
});

test("sent away, it comes back after the time that the server gave", async () => {
  const stream = await start();
  const sentMs = performance.now();
  stream.send({
    goAway: { reason: "GO_AWAY_REASON_SERVER_STOPPING", afterMs: 700, reconnect: true, message: "rolling restart" },
  });
  await server.stream(1);
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(690);
});

test.each([
  ["GO_AWAY_REASON_SUPERSEDED", exitCodes.superseded],
  ["GO_AWAY_REASON_REVOKED", exitCodes.refused],
] as const)("dismissed with %s it ends what runs, and itself with %i", async (reason, exitCode) => {
  const stream = await start({ acknowledges: false });
  stream.assign({ commandId: "running", command: "sleep 60" });
  await stream.wait("started");
  stream.send({ goAway: { reason, afterMs: 0, reconnect: false, message: "not you" } });
  expect((await agent.exited).code).toBe(exitCode);
  expect(agent.output.join("\n")).toContain("not you");
});

test("while another holds its id it tries again, and says so", async () => {
  await start({
    refuse: (_hello, count) => (count < 2 ? { code: "agent_id_in_use", grpc: status.FAILED_PRECONDITION } : null),
  });
  expect(agent.output.join("\n")).toContain("another agent holds this id");
});

test("revoked at the door it ends with 77", async () => {
  server = await startTestServer({ refuse: () => ({ code: "agent_revoked", grpc: status.UNAUTHENTICATED }) });
  agent = startAgentProcess(server);
  expect((await agent.exited).code).toBe(exitCodes.refused);
});

test("an older copy of the ledger is put aside, and a new one begun with the server's id", async () => {
  const newLedgerId = "0b5a4b0e-8d0c-4a4e-9d7b-111122223333";
  const stream = await start({ welcome: (_hello, count) => (count === 2 ? { newLedgerId } : {}) });
  const { command } = counted();
  stream.assign({ commandId: "before", command });
  await stream.result("before");
  stream.close();
  const second = await server.stream(1);
  second.assign({ commandId: "after", command, assignNo: 9 });
  await second.result("after");
  second.close();
  const third = await server.stream(2);
  expect(third.hello).toMatchObject({ ledgerId: newLedgerId, highest: 9, seenEpoch: second.epoch });
  expect(existsSync(join(agent.dataDirectory, `ledger-${stream.hello.ledgerId}.db`))).toBe(true);
});

test("a frame that the ledger may have forgotten starts nothing and ends as lost", async () => {
  const stream = await start();
  const { command, runs } = counted();
  stream.assign({ commandId: "first", command, assignNo: 3 });
  await stream.result("first");
  await agent.stop();
  raiseHorizon(join(agent.dataDirectory, "ledger.db"), 3);
  agent = startAgentProcess(server, { dataDirectory: agent.dataDirectory });
  const again = await server.stream(1);
  expect(again.hello).toMatchObject({ horizon: 3, highest: 3 });
  again.assign({ commandId: "ancient", command, assignNo: 2 });
  expect(await again.result("ancient")).toMatchObject({ error: "ledger_lost", exitCode: -1, recorded: false });
  expect(runs()).toBe(1);
});

test("it waits for a server that isn't there, and for one that goes away", async () => {
  await start();
  await server.stop();
  await agent.waitForLine(/disconnected/);
  await agent.waitForLine(/can't connect/);
  await server.start();
  const again = await server.stream(1);
  again.assign({ commandId: "back", type: "PING" });
  await again.result("back");
  expect(again.hello.seenEpoch).toBe(1);
});
