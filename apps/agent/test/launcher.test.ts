import { once } from "node:events";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { eventually, freePort, tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import { type AgentProcess, type AgentProcessOptions, startAgentProcess } from "./support/agent-process.ts";
import { startTestServer, type TestServer, type TestServerOptions, type TestStream } from "./support/test-server.ts";

let server: TestServer | null = null;
let agent: AgentProcess | null = null;

async function start(serverOptions: TestServerOptions = {}, agentOptions: AgentProcessOptions = {}) {
  server = await startTestServer(serverOptions);
  agent = startAgentProcess(server, agentOptions);
  return { server, agent, stream: await server.stream() };
}

afterEach(async () => {
  await agent?.stop();
  await server?.stop();
  agent = null;
  server = null;
});

test("STOP reports, lets what runs end, takes no more, and ends the launcher too", async () => {
  const { stream, agent } = await start({}, { launcher: true });
  const folder = tempDir("stop");
  stream.assign({ commandId: "slow", command: `while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo whole` });
  await stream.wait("started");
  stream.assign({ commandId: "stop", type: "STOP", parametersJson: '{"reason":"test"}' });
  expect(await stream.result("stop")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0, recorded: true });
  expect(await stream.wait("profile")).toMatchObject({ draining: true });
  stream.assign({ commandId: "more", command: `touch ${folder}/more` });
  expect(await stream.wait("refused")).toMatchObject({ commandId: "more", reason: "REFUSAL_REASON_DRAINING" });
  process.kill(agent.pid, 0);
  writeFileSync(join(folder, "go"), "");
  expect(await stream.result("slow")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0 });
  expect((await agent.exited).code).toBe(exitCodes.stopped);
  expect(existsSync(join(folder, "more"))).toBe(false);
});

test("RESTART is reported before the agent starts anew with its ledger", async () => {
  const { stream, server, agent } = await start({}, { launcher: true });
  stream.assign({ commandId: "restart", type: "RESTART", parametersJson: '{"reason":"update"}' });
  expect(await stream.result("restart")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0 });
  const again = await server.stream(1);
  expect(again.hello).toMatchObject({ ledgerId: stream.hello.ledgerId, held: [], highest: 1 });
  expect(again.hello.bootId).not.toBe(stream.hello.bootId);
  expect(agent.output.join("\n")).toContain("starting the agent again");
});

test("a RESTART whose result was lost is reported again, and doesn't restart again", async () => {
  const { stream, server } = await start({ acknowledges: false }, { launcher: true });
  stream.assign({ commandId: "restart", type: "RESTART" });
  const again = await server.stream(1);
  const result = await again.result("restart");
  expect(result).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0, recorded: true });
  again.acknowledge(result);
  again.assign({ commandId: "alive", type: "PING" });
  await again.result("alive");
  expect(server.streams).toHaveLength(2);
});

test("without a launcher RESTART ends the process with 75", async () => {
  const { stream, agent } = await start();
  stream.assign({ commandId: "restart", type: "RESTART" });
  expect((await agent.exited).code).toBe(exitCodes.restart);
});

test("a signal to the launcher drains the agent: what is over its grace is ended and reported as interrupted", async () => {
  const options = { launcher: true, args: ["--drain-grace", "300ms", "--kill-grace", "300ms"] };
  const { stream, agent } = await start({}, options);
  stream.assign({ commandId: "long", command: "sleep 300" });
  await stream.wait("started");
  agent.signal("SIGTERM");
  expect(await stream.result("long")).toMatchObject({ outcome: "OUTCOME_FAILED", error: "interrupted", exitCode: 143 });
  expect((await agent.exited).code).toBe(exitCodes.stopped);
});

test("an agent that dies is started again by its launcher", async () => {
  const { stream, server } = await start({}, { launcher: true });
  process.kill(await agentPid(stream), "SIGKILL");
  const again = await server.stream(1);
  expect(again.hello.ledgerId).toBe(stream.hello.ledgerId);
});

test("when the launcher is killed the agent ends by itself", async () => {
  const { stream, agent, server } = await start({}, { launcher: true });
  const child = await agentPid(stream);
  await agent.kill9();
  await eventually(() => !isRunning(child), { deadlineMs: 10_000, what: "the end of the agent" });
  // The way is free for the next.
  const next = startAgentProcess(server, { dataDirectory: agent.dataDirectory, launcher: true });
  expect((await server.stream(1)).hello.ledgerId).toBe(stream.hello.ledgerId);
  await next.stop();
});

test("enrolment happens once: the key is kept, private, and later starts need no token", async () => {
  const { agent: first, server } = await start();
  expect(server.enrolments).toHaveLength(1);
  expect(statSync(join(first.dataDirectory, "agent.key")).mode & 0o777).toBe(0o600);
  const key = readFileSync(join(first.dataDirectory, "agent.key"), "utf8");
  await first.stop();
  agent = startAgentProcess(server, { dataDirectory: first.dataDirectory, joinToken: null });
  await server.stream(1);
  expect(server.enrolments).toHaveLength(1);
  expect(readFileSync(join(first.dataDirectory, "agent.key"), "utf8")).toBe(key);
});

test("a crash between the server's answer and the marker is made good by enrolling again with the same key", async () => {
  const { agent: first, server } = await start();
  await first.kill9();
  rmSync(join(first.dataDirectory, "enrolled.json"));
  agent = startAgentProcess(server, { dataDirectory: first.dataDirectory });
  await server.stream(1);
  expect(server.enrolments[1]?.publicKey).toEqual(server.enrolments[0]?.publicKey);
});

test.each([
  ["a token that isn't valid", { joinToken: "bad-token" }, exitCodes.refused, "the join token isn't valid"],
  ["no token", { joinToken: null }, exitCodes.badSettings, "isn't enrolled yet"],
  ["a wrong flag", { args: ["--concurency", "3"] }, exitCodes.badSettings, "did you mean"],
  [
    "a plug-in with a built-in's name",
    { args: ["--plugins", shellPlugin()] },
    exitCodes.badSettings,
    "two of the type SHELL",
  ],
  ["a label that is there twice", { args: ["--labels", "zone=a,zone=b"] }, exitCodes.badSettings, "twice"],
  ["a label without a value", { args: ["--labels", "zone"] }, exitCodes.badSettings, "expected key=value"],
  ["a fleet that can't be one", { args: ["--fleet", "north west"] }, exitCodes.badSettings, "--fleet"],
  ["half of a certificate", { args: ["--cert-file", "/dev/null"] }, exitCodes.badSettings, "need each other"],
  ["a plug-in that isn't there", { args: ["--plugins", "/no/plugin.ts"] }, exitCodes.badSettings, "can't be loaded"],
])("%s is a clear error and the end, under the launcher too", async (_what, options, exitCode, message) => {
  server = await startTestServer();
  agent = startAgentProcess(server, { ...options, launcher: true });
  expect((await agent.exited).code).toBe(exitCode);
  expect(agent.output.join("\n")).toContain(message);
});

test("a server on another machine needs TLS", async () => {
  agent = startAgentProcess({ address: "192.0.2.1:50051" });
  expect((await agent.exited).code).toBe(exitCodes.badSettings);
  expect(agent.output.join("\n")).toContain("TLS is needed");
});

test("without TLS no proxy is used, whatever the environment says", async () => {
  const connections: string[] = [];
  const proxy = createServer((socket) => {
    socket.on("error", () => {}).on("data", (data) => connections.push(data.toString("latin1")));
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const { port } = proxy.address() as AddressInfo;
  const { stream } = await start({}, { env: { http_proxy: `http://127.0.0.1:${port}` } });
  stream.assign({ commandId: "here", type: "PING" });
  await stream.result("here");
  expect(connections).toEqual([]);
  proxy.close();
});

test("an id that is bound to another key is a clear error and the end", async () => {
  const { server } = await start();
  const rival = startAgentProcess(server, { joinToken: "good-token" });
  expect((await rival.exited).code).toBe(exitCodes.refused);
  expect(rival.output.join("\n")).toContain("bound to another key");
});

test("a server that isn't there yet is waited for, also to enrol", async () => {
  const port = await freePort();
  agent = startAgentProcess({ address: `127.0.0.1:${port}` });
  await agent.waitForLine(/can't enrol yet/);
  server = await startTestServer({ port });
  expect((await server.stream()).hello.agentId).toBe("agent-1");
});

test("a signal ends an agent that still waits to enrol", async () => {
  agent = startAgentProcess({ address: `127.0.0.1:${await freePort()}` });
  await agent.waitForLine(/can't enrol yet/);
  agent.signal("SIGTERM");
  expect((await agent.exited).code).toBe(exitCodes.stopped);
});

test("--help tells every setting", async () => {
  agent = startAgentProcess({ address: "127.0.0.1:1" }, { launcher: true, args: ["--help"] });
  expect((await agent.exited).code).toBe(0);
  for (const flag of ["--server", "--join-token", "--allow", "--kill-grace", "--no-launcher", "--config"]) {
    expect(agent.stdout.join("\n")).toContain(flag);
  }
});

function shellPlugin(): string {
  const file = join(tempDir("plugin"), "shell.mjs");
  writeFileSync(file, 'export default { type: "SHELL", run: async () => ({ exitCode: 0 }) };');
  return file;
}

/** The agent's own pid, which its facts have. */
async function agentPid(stream: TestStream): Promise<number> {
  stream.assign({ commandId: "facts", type: "FACTS" });
  const { tail } = await stream.result("facts");
  const facts = JSON.parse(tail.map(({ data }) => data.toString()).join("")) as { agent: { pid: number } };
  return facts.agent.pid;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
