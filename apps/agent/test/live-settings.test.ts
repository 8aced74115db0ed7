import { existsSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { exitCodes } from "../src/exit-codes.ts";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer, type TestStream } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;
let file: string;

async function start(settings: string, options: { launcher?: boolean; args?: string[] } = {}): Promise<TestStream> {
  file = join(tempDir("live"), "agent.yaml");
  writeFileSync(file, settings);
  server = await startTestServer();
  const { launcher = false, args = [] } = options;
  agent = startAgentProcess(server, { launcher, args: ["--config", file, ...args] });
  return server.stream();
}
afterEach(async () => {
  await agent.stop();
  await server.stop();
});

function write(settings: string): void {
  writeFileSync(file, settings);
}

const typesOf = (profile: { types: { type: string }[] }): string[] => profile.types.map(({ type }) => type);

test("labels, fleet and concurrency follow the file, and what runs isn't touched", async () => {
  const stream = await start("labels: [zone=a]\nconcurrency: 2\n");
  const folder = tempDir("undisturbed");
  for (const commandId of ["one", "two"])
    stream.assign({ commandId, command: `while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo ${commandId}` });
  await stream.wait("started", ({ commandId }) => commandId === "two");
  write("labels: [zone=b, gpu=yes]\nfleet: edge\nconcurrency: 1\n");
  expect(await stream.wait("profile")).toMatchObject({
    labels: { zone: "b", gpu: "yes" },
    fleet: "edge",
    concurrency: 1,
    draining: false,
  });
  writeFileSync(join(folder, "go"), "");
  expect(await stream.result("one")).toMatchObject({ exitCode: 0 });
  expect(await stream.result("two")).toMatchObject({ exitCode: 0 });
  // One at once from now on.
  const slow = stream.assign({ commandId: "slow", command: "sleep 60" });
  await stream.wait("started", ({ commandId }) => commandId === "slow");
  stream.assign({ commandId: "more", command: "true" });
  expect(await stream.wait("refused")).toMatchObject({ commandId: "more", reason: "REFUSAL_REASON_BUSY" });
  stream.cancel("slow", slow);
});

test("while more runs than the new concurrency allows, nothing new begins", async () => {
  const stream = await start("concurrency: 3\n");
  const folder = tempDir("above");
  for (const commandId of ["a", "b", "c"])
    stream.assign({ commandId, command: `while [ ! -e ${folder}/${commandId} ]; do sleep 0.05; done` });
  await stream.wait("started", ({ commandId }) => commandId === "c");
  write("concurrency: 2\n");
  await stream.wait("profile");
  writeFileSync(join(folder, "a"), "");
  await stream.result("a");
  stream.assign({ commandId: "early", command: "true" });
  await stream.wait("refused", ({ commandId }) => commandId === "early");
  writeFileSync(join(folder, "b"), "");
  await stream.result("b");
  stream.assign({ commandId: "now", command: "true" });
  expect(await stream.result("now")).toMatchObject({ exitCode: 0 });
  writeFileSync(join(folder, "c"), "");
});

test("types are switched on and off, and SHELL's allow-list changes", async () => {
  const stream = await start("types: [SHELL, PING]\nallow: [echo ...]\n");
  expect(typesOf(stream.hello.profile ?? { types: [] })).toEqual(["SHELL", "PING"]);
  stream.assign({ commandId: "scan", type: "SCAN" });
  expect(await stream.result("scan")).toMatchObject({ error: "unsupported_type" });
  write("types: [PING, SCAN]\nplugins: [scan]\n");
  expect(typesOf(await stream.wait("profile"))).toEqual(["PING", "SCAN"]);
  stream.assign({ commandId: "users", type: "SCAN", parametersJson: '{"sections":["users"]}' });
  expect(await stream.result("users")).toMatchObject({ exitCode: 0 });
  stream.assign({ commandId: "shell", command: "echo a" });
  expect(await stream.result("shell")).toMatchObject({ error: "unsupported_type" });
  stream.frames.length = 0;
  write("allow: [date]\n");
  await stream.wait("profile");
  stream.assign({ commandId: "echo", command: "echo a" });
  stream.assign({ commandId: "date", command: "date" });
  expect(await stream.result("echo")).toMatchObject({ error: "not_allowed" });
  expect(await stream.result("date")).toMatchObject({ exitCode: 0 });
});

test("a plug-in is added, changed and taken away", async () => {
  const stream = await start("concurrency: 3\n");
  const plugin = join(file, "..", "greet.mjs");
  const says = (word: string): void => {
    writeFileSync(
      plugin,
      `export default { type: "GREET", async run({ write }) { await write("stdout", "${word}"); return { exitCode: 0 }; } };`,
    );
  };
  says("hello");
  write("plugins: [greet.mjs]\n");
  expect(typesOf(await stream.wait("profile"))).toContain("GREET");
  stream.assign({ commandId: "first", type: "GREET" });
  await stream.result("first");
  says("good day");
  utimesSync(plugin, new Date(), new Date(Date.now() + 5_000));
  agent.signal("SIGHUP");
  await agent.waitForLine(/settings read again/);
  for (let n = 0; outputOf(stream, `again-${n}`) !== "good day"; n += 1) {
    stream.assign({ commandId: `again-${n + 1}`, type: "GREET" });
    await stream.result(`again-${n + 1}`);
    expect(n).toBeLessThan(200);
  }
  expect(outputOf(stream, "first")).toBe("hello");
  stream.frames.length = 0;
  write("plugins: []\n");
  expect(typesOf(await stream.wait("profile"))).not.toContain("GREET");
});

test.each([
  ["isn't YAML", "labels: [zone=b", /can't be taken/],
  ["has a label without a value", "labels: [zone]\n", /expected key=value/],
  ["has a concurrency that can't be", "concurrency: 0\n", /concurrency/],
  ["names a type that there isn't", "types: [TELEPORT]\n", /no type TELEPORT/],
  ["names a plug-in that can't be loaded", "plugins: [none.mjs]\n", /can't be loaded/],
])("a file that %s changes nothing, is told in the log, and the next good one is taken", async (_, bad, told) => {
  const stream = await start("labels: [zone=a]\n");
  write(bad);
  await agent.waitForLine(told);
  await agent.waitForLine(/the settings can't be taken: those before stay/);
  stream.assign({ commandId: "works", command: "true" });
  expect(await stream.result("works")).toMatchObject({ exitCode: 0 });
  expect(stream.frames.some(({ profile }) => profile)).toBe(false);
  write("labels: [zone=c]\n");
  expect(await stream.wait("profile")).toMatchObject({ labels: { zone: "c" } });
});

test("a file that is replaced, as editors and config maps do, is read; what needs a new start is named", async () => {
  const stream = await start("labels: [zone=a]\nkillGrace: 1s\n");
  writeFileSync(`${file}.new`, "labels: [zone=b]\nkillGrace: 2s\nlogLevel: debug\n");
  renameSync(`${file}.new`, file);
  expect(await stream.wait("profile")).toMatchObject({ labels: { zone: "b" } });
  const line = await agent.waitForLine(/taken at the next start/);
  expect(line.input).toMatch(/"settings":\["killGraceMs","logLevel"\]/);
});

test("flags and environment still come before the file", async () => {
  const stream = await start("concurrency: 2\nlabels: [zone=a]\n", { args: ["--concurrency", "5"] });
  write("concurrency: 3\nlabels: [zone=b]\n");
  expect(await stream.wait("profile")).toMatchObject({ concurrency: 5, labels: { zone: "b" } });
});

test("what changes while there is no connection is said with the next", async () => {
  await start("labels: [zone=a]\n");
  await server.stop();
  await agent.waitForLine(/can't connect/);
  write("labels: [zone=b]\n");
  await agent.waitForLine(/settings read again/);
  await server.start();
  const again = await server.stream(1);
  expect(again.hello.profile?.labels).toEqual({ zone: "b" });
});

test("SIGHUP to the launcher reads the file at once and stops nothing; without a file it stops", async () => {
  const stream = await start("labels: [zone=a]\n", { launcher: true });
  agent.signal("SIGHUP");
  await agent.waitForLine(/settings read again/);
  stream.assign({ commandId: "alive", type: "PING" });
  await stream.result("alive");
  agent.signal("SIGTERM");
  expect((await agent.exited).code).toBe(exitCodes.stopped);

  agent = startAgentProcess(server, { dataDirectory: agent.dataDirectory, launcher: true, joinToken: null });
  await server.stream(1);
  agent.signal("SIGHUP");
  expect((await agent.exited).code).toBe(exitCodes.stopped);
  expect(existsSync(file) && readFileSync(file, "utf8")).toContain("zone=a");
});
