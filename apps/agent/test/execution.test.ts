import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer, type TestStream } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;
let stream: TestStream;

beforeAll(async () => {
  server = await startTestServer();
  agent = startAgentProcess(server, { args: ["--kill-grace", "300ms"] });
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
