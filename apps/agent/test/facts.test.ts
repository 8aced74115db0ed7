import { eventually } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { startTestServer, type TestServer, type TestServerOptions, type TestStream } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;

async function start(serverOptions: TestServerOptions, ...args: string[]): Promise<TestStream> {
  server = await startTestServer(serverOptions);
  agent = startAgentProcess(server, { args });
  return server.stream();
}
afterEach(async () => {
  await agent.stop();
  await server.stop();
});

const sentOn = (stream: TestStream): number => stream.frames.filter(({ facts }) => facts).length;

/** Resolves when the agent has looked at its facts several times. */
async function looked(stream: TestStream): Promise<void> {
  for (const commandId of ["a", "b", "c"]) {
    stream.assign({ commandId, command: "sleep 0.3" });
    await stream.result(commandId);
  }
}

test("it sends its facts by itself, once: what it finds later is no news", async () => {
  const stream = await start({}, "--facts-delay", "1ms", "--facts-interval", "50ms");
  const { json } = await stream.wait("facts");
  expect(JSON.parse(json)).toMatchObject({
    agent: { id: "agent-1", version: expect.any(String) },
    os: { platform: process.platform },
    memory: { totalBytes: expect.any(Number) },
    disks: expect.any(Array),
  });
  await looked(stream);
  expect(sentOn(stream)).toBe(1);
  stream.close();
  const again = await server.stream(1);
  await looked(again);
  expect(sentOn(again)).toBe(0);
});

test("what wasn't acknowledged is sent again: by the next look, and on the next stream", async () => {
  const stream = await start({ acknowledgesFacts: false }, "--facts-delay", "1ms", "--facts-interval", "50ms");
  await eventually(() => sentOn(stream) > 1, { deadlineMs: 15_000 });
  stream.close();
  const again = await server.stream(1);
  expect(await again.wait("facts")).toMatchObject({ json: expect.stringContaining("agent-1") });
});

test("a server that doesn't take facts gets none, and none are sent where that is off", async () => {
  const stream = await start(
    { welcome: (_hello, count) => ({ takesFacts: count > 1 }) },
    "--facts-delay",
    "1ms",
    "--facts-interval",
    "50ms",
  );
  await looked(stream);
  expect(sentOn(stream)).toBe(0);
  stream.close();
  await (await server.stream(1)).wait("facts");
  await agent.stop();
  agent = startAgentProcess(server, {
    dataDirectory: agent.dataDirectory,
    args: ["--facts-interval", "0ms", "--facts-delay", "1ms"],
  });
  const third = await server.stream(2);
  await looked(third);
  expect(sentOn(third)).toBe(0);
});
