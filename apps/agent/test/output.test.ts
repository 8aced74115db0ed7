import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer, type TestServerOptions } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;

async function start(options: TestServerOptions = {}) {
  server = await startTestServer(options);
  agent = startAgentProcess(server);
  return server.stream();
}
afterEach(async () => {
  await agent.stop();
  await server.stop();
});

const mebibyte = 1024 * 1024;

test("both streams come in the order in which they were written, with offsets over both", async () => {
  const stream = await start();
  const steps = Array.from({ length: 6 }, (_, n) => `echo out${n}; sleep 0.05; echo err${n} >&2; sleep 0.05`);
  stream.assign({ commandId: "order", command: steps.join("; ") });
  const result = await stream.result("order");
  const expected = Array.from({ length: 6 }, (_, n) => `out${n}\nerr${n}\n`).join("");
  expect(outputOf(stream, "order")).toBe(expected);
  const chunks = stream.frames.flatMap(({ output }) => output ?? []).concat(result.tail);
  let end = 0;
  for (const { offset, data, stream: name } of chunks) {
    expect(offset).toBe(end);
    expect(data.toString().startsWith("out") ? "STREAM_STDOUT" : "STREAM_STDERR").toBe(name);
    end += data.length;
  }
  expect(end).toBe(result.outputBytes);
});

test("a short command's output comes with its result alone", async () => {
  const stream = await start();
  stream.assign({ commandId: "short", command: "echo hello" });
  const result = await stream.result("short");
  expect(result.tail.map(({ data }) => data.toString()).join("")).toBe("hello\n");
  expect(stream.frames.filter(({ output }) => output)).toEqual([]);
});

test("a follower sees output while the command runs", async () => {
  const stream = await start();
  const folder = tempDir("follow");
  stream.assign({
    commandId: "follow",
    command: `echo first; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo last`,
  });
  const chunk = await stream.wait("output");
  expect(chunk.data.toString()).toBe("first\n");
  stream.assign({ commandId: "go", command: `touch ${folder}/go` });
  expect((await stream.result("follow")).tail[0]).toMatchObject({ offset: 6, data: Buffer.from("last\n") });
});

test("300 MB of output arrive whole, in chunks of the server's size, while the agent's memory stays flat", async () => {
  const stream = await start();
  stream.assign({ commandId: "warm-up", command: "head -c 4000000 /dev/zero" });
  await stream.result("warm-up");
  const before = residentBytes("VmRSS");
  stream.frames.length = 0;
  stream.assign({ commandId: "large", command: "head -c 300000000 /dev/zero", timeoutMs: 60_000 });
  const result = await eventually(() => stream.frames.find((frame) => frame.result?.commandId === "large")?.result, {
    deadlineMs: 50_000,
  });
  expect(result).toMatchObject({ exitCode: 0, outputBytes: 300_000_000 });
  const chunks = stream.frames.flatMap(({ output }) => output ?? []);
  const total = [...chunks, ...result.tail].reduce((sum, { data }) => sum + data.length, 0);
  expect(total).toBe(300_000_000);
  expect(Math.max(...chunks.map(({ data }) => data.length))).toBeLessThanOrEqual(32 * 1024);
  // Buffers that V8 hasn't collected yet come to some 60 MiB, however much goes through.
  expect(residentBytes("VmHWM") - before).toBeLessThan(128 * mebibyte);
});

test("a server that doesn't acknowledge holds the command back, and lets it go on", async () => {
  const stream = await start({ acknowledgesOutput: false });
  const folder = tempDir("pressure");
  const file = join(folder, "written");
  stream.assign({
    commandId: "pressed",
    command: `for i in $(seq 40); do head -c 65536 /dev/zero; echo $i > ${file}; done`,
  });
  await eventually(() => sent() >= 400 * 1024, { deadlineMs: 10_000 });
  // Another command runs through meanwhile: time enough for the first to go on, if it could.
  stream.assign({ commandId: "other", command: "sleep 0.5" });
  await stream.result("other");
  expect(Number(readFileSync(file, "utf8"))).toBeLessThan(20);
  expect(sent()).toBeLessThan(mebibyte);
  while (!ended()) {
    const known = sent();
    stream.send({ outputAck: { commandId: "pressed", attempt: 1, offset: known } });
    await eventually(() => sent() > known || ended(), { deadlineMs: 10_000 });
  }
  expect((await stream.result("pressed")).outputBytes).toBe(40 * 65_536);

  function ended(): boolean {
    return stream.frames.some(({ result }) => result?.commandId === "pressed");
  }

  function sent(): number {
    return stream.frames.reduce((end, { output }) => (output ? output.offset + output.data.length : end), 0);
  }
});

test("while disconnected a command isn't held back: the first and the last part are kept, the gap is told", async () => {
  const stream = await start({ acknowledgesOutput: false, welcome: () => ({ maxChunkBytes: 65_536 }) });
  const folder = tempDir("offline");
  const flood = "i=0; while [ $i -lt 64 ]; do head -c 65536 /dev/zero | tr '\\0' a; i=$((i+1)); done; echo end";
  const assignNo = stream.assign({
    commandId: "offline",
    command: `echo begin; while [ ! -e ${folder}/go ]; do sleep 0.05; done; ${flood}; touch ${folder}/done`,
  });
  await stream.wait("output");
  await server.stop();
  await eventually(() => agent.output.some((line) => line.includes("can't connect")), { deadlineMs: 10_000 });
  writeFileSync(`${folder}/go`, "");
  await eventually(() => existsSync(`${folder}/done`), { deadlineMs: 20_000 });
  await server.start();
  const again = await server.stream(1);
  expect(again.hello.held).toMatchObject([{ commandId: "offline", assignNo, attempt: 1 }]);
  const result = await again.result("offline");
  expect(result.outputBytes).toBe(6 + 64 * 65_536 + 4);
  const chunks = [...again.frames.flatMap(({ output }) => output ?? []), ...result.tail];
  const kept = chunks.reduce((sum, { data }) => sum + data.length, 0);
  expect(kept).toBeLessThanOrEqual(mebibyte);
  expect(kept).toBeGreaterThan(mebibyte / 2);
  expect(chunks[0]).toMatchObject({ offset: 0 });
  expect(chunks[0]?.data.toString("latin1", 0, 6)).toBe("begin\n");
  const last = chunks.at(-1);
  const text = Buffer.concat(chunks.map(({ data }) => data)).toString("latin1");
  expect(text.slice(-6)).toBe("aaend\n");
  expect((last?.offset ?? 0) + (last?.data.length ?? 0)).toBe(result.outputBytes);
  const gaps = chunks.filter((chunk, n) => n > 0 && chunk.offset > endOf(chunks[n - 1]));
  expect(gaps).toHaveLength(1);
  let end = 0;
  for (const chunk of chunks) {
    expect(chunk.droppedBefore).toBe(chunk.offset - end);
    end = endOf(chunk);
  }
});

test("after a break output goes on where the server has it", async () => {
  const stream = await start({
    acknowledgesOutput: false,
    welcome: (_hello, count) => (count > 1 ? { resume: [{ commandId: "resumed", attempt: 1, offset: 4 }] } : {}),
  });
  const folder = tempDir("resume");
  stream.assign({
    commandId: "resumed",
    command: `echo 123456; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo end`,
  });
  await stream.wait("output");
  stream.close();
  const again = await server.stream(1);
  expect(again.hello.held).toMatchObject([{ commandId: "resumed", state: "HELD_STATE_RUNNING" }]);
  const chunk = await again.wait("output");
  expect(chunk).toMatchObject({ offset: 4, data: Buffer.from("56\n") });
  writeFileSync(`${folder}/go`, "");
  expect((await again.result("resumed")).tail[0]).toMatchObject({ offset: 7, data: Buffer.from("end\n") });
});

function endOf(chunk: { offset: number; data: Buffer } | undefined): number {
  return chunk === undefined ? 0 : chunk.offset + chunk.data.length;
}

/** Peak (VmHWM) or present (VmRSS) resident memory of the agent. */
function residentBytes(field: "VmHWM" | "VmRSS"): number {
  const status = readFileSync(`/proc/${agent.pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}
