import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer, type TestServerOptions } from "./support/test-server.ts";

/**
 * What a store does that has lost its last moments (a failover to a replica that lagged): it has forgotten that it gave
 * a command out, and gives it out again, under a later number, on this stream or the next; or it gives out a number for
 * the second time.
 */
let server: TestServer;
let agent: AgentProcess;

async function start(serverOptions: TestServerOptions = {}) {
  server = await startTestServer(serverOptions);
  agent = startAgentProcess(server, { args: ["--concurrency", "9"] });
  return server.stream();
}
function startAgain(): void {
  agent = startAgentProcess(server, { dataDirectory: agent.dataDirectory, joinToken: null });
}
afterEach(async () => {
  await agent.stop();
  await server.stop();
});

/** A command whose runs can be counted, and that runs until it may end. */
function gated(): { command: string; runs: () => number; open: () => void } {
  const folder = tempDir("gated");
  const file = join(folder, "runs");
  return {
    command: `echo run >> ${file}; echo begun; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo over; exit 3`,
    runs: () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0),
    open: () => writeFileSync(join(folder, "go"), ""),
  };
}

test("a command that runs goes on, and answers to the later number from then on", async () => {
  const stream = await start();
  const { command, runs, open } = gated();
  stream.assign({ commandId: "twice", command, assignNo: 3 });
  await stream.wait("output");
  stream.frames.length = 0;
  stream.assign({ commandId: "twice", command, assignNo: 9 });
  expect(await stream.wait("started")).toMatchObject({ commandId: "twice", attempt: 1, assignNo: 9, recorded: true });
  open();
  expect(await stream.result("twice")).toMatchObject({ assignNo: 9, exitCode: 3, recorded: true });
  expect(runs()).toBe(1);
});

test("what a store had of its output and has forgotten is told as a gap, and the rest comes again", async () => {
  const stream = await start({ acknowledges: false, acknowledgesOutput: true });
  const { command, open } = gated();
  stream.assign({ commandId: "gap", command, assignNo: 1 });
  await stream.wait("output");
  // Its answer comes after the acknowledgement was handled.
  stream.assign({ commandId: "ping", type: "PING" });
  await stream.result("ping");
  stream.frames.length = 0;
  stream.assign({ commandId: "gap", command, assignNo: 9 });
  await stream.wait("started");
  open();
  const { tail, outputBytes } = await stream.result("gap");
  const first = stream.frames.find(({ output }) => output?.commandId === "gap")?.output ?? tail[0];
  expect(first).toMatchObject({ offset: 6, droppedBefore: 6 });
  expect([outputOf(stream, "gap"), outputBytes]).toEqual(["over\n", 11]);
});

test("under another epoch too: the ledger has the later number, through a break and through a crash", async () => {
  const stream = await start();
  const { command, runs, open } = gated();
  stream.assign({ commandId: "moved", command, assignNo: 3 });
  await stream.wait("output");
  stream.close();
  const second = await server.stream(1);
  expect(second.hello.held).toMatchObject([{ commandId: "moved", assignNo: 3, state: "HELD_STATE_RUNNING" }]);
  second.assign({ commandId: "moved", command, assignNo: 7 });
  await second.wait("started", ({ assignNo }) => assignNo === 7);
  second.close();
  const third = await server.stream(2);
  expect(third.hello).toMatchObject({
    highest: 7,
    held: [{ commandId: "moved", attempt: 1, assignNo: 7, state: "HELD_STATE_RUNNING" }],
  });
  await agent.kill9();
  open();
  startAgain();
  const fourth = await server.stream(3);
  expect(fourth.hello).toMatchObject({ highest: 7, held: [{ commandId: "moved", assignNo: 7 }] });
  expect(await fourth.result("moved")).toMatchObject({ assignNo: 7, error: "interrupted" });
  expect(runs()).toBe(1);
});

test("one that has ended is answered with its result, also when the server had acknowledged it, and after a restart", async () => {
  const stream = await start();
  const { command, runs, open } = gated();
  open();
  stream.assign({ commandId: "ended", command, assignNo: 3 });
  await stream.result("ended");
  stream.close();
  const second = await server.stream(1);
  second.assign({ commandId: "ended", command, assignNo: 5 });
  expect(await second.result("ended")).toMatchObject({ assignNo: 5, exitCode: 3, recorded: true, outputBytes: 11 });
  await agent.stop();
  startAgain();
  const third = await server.stream(2);
  expect(third.hello.highest).toBe(5);
  third.assign({ commandId: "ended", command, assignNo: 6 });
  expect(await third.result("ended")).toMatchObject({ assignNo: 6, exitCode: 3, recorded: true });
  expect(runs()).toBe(1);
});

test("given again in the moment of its end it is answered under the later number, and has run once", async () => {
  const stream = await start({ acknowledges: false });
  for (let n = 0; n < 20; n += 1) {
    const commandId = `moment-${n}`;
    const { command, runs, open } = gated();
    open();
    stream.assign({ commandId, command, assignNo: n * 2 + 1 });
    await stream.wait("started", (frame) => frame.commandId === commandId);
    stream.assign({ commandId, command, assignNo: n * 2 + 2 });
    expect(
      await stream.wait("result", (result) => result.commandId === commandId && result.assignNo === n * 2 + 2),
    ).toMatchObject({ exitCode: 3 });
    expect(runs()).toBe(1);
  }
});

test("cancelled under the later number, it ends under that one", async () => {
  const stream = await start();
  const { command } = gated();
  stream.assign({ commandId: "cancelled", command, assignNo: 3 });
  await stream.wait("output");
  stream.cancel("cancelled", 8);
  expect(await stream.result("cancelled")).toMatchObject({ assignNo: 8, outcome: "OUTCOME_CANCELLED" });
  stream.close();
  expect((await server.stream(1)).hello.highest).toBe(8);
});

test.each([
  ["runs", false],
  ["ended", true],
])(
  "a number that it has for a command that %s isn't taken for another one: it connects again, so that the store hears of its numbers",
  async (_, ends) => {
    const stream = await start();
    const first = gated();
    const second = gated();
    second.open();
    if (ends) first.open();
    stream.assign({ commandId: "first", command: first.command, assignNo: 4 });
    await (ends ? stream.result("first") : stream.wait("output"));
    stream.assign({ commandId: "second", command: second.command, assignNo: 4 });
    const again = await server.stream(1);
    expect(again.hello.highest).toBe(4);
    expect(again.hello.held.map(({ commandId }) => commandId)).toEqual(ends ? [] : ["first"]);
    expect(stream.frames.filter(({ started }) => started?.commandId === "second")).toEqual([]);
    again.assign({ commandId: "second", command: second.command, assignNo: 5 });
    expect(await again.result("second")).toMatchObject({ assignNo: 5, exitCode: 3 });
    first.open();
    const told = ends ? stream : again;
    expect(await told.result("first")).toMatchObject({ assignNo: 4, exitCode: 3 });
    expect([first.runs(), second.runs()]).toEqual([1, 1]);
    await agent.waitForLine(/a number that it had given before/);
  },
);

test("given again under an earlier number it isn't answered: it connects again, and goes on", async () => {
  const stream = await start();
  const { command, runs, open } = gated();
  stream.assign({ commandId: "back", command, assignNo: 6 });
  await stream.wait("output");
  stream.assign({ commandId: "back", command, assignNo: 2 });
  const again = await server.stream(1);
  expect(again.hello).toMatchObject({ highest: 6, held: [{ commandId: "back", assignNo: 6 }] });
  again.assign({ commandId: "back", command, assignNo: 7 });
  open();
  expect(await again.result("back")).toMatchObject({ assignNo: 7, exitCode: 3 });
  expect(runs()).toBe(1);
});
