import { fileURLToPath } from "node:url";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { type AgentProcess, type AgentProcessOptions, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;

async function start(options: AgentProcessOptions) {
  server = await startTestServer();
  agent = startAgentProcess(server, options);
  return server.stream();
}
afterEach(async () => {
  await agent.stop();
  await server.stop();
});

test("with an allow-list only what is on it runs, whatever the server sends", async () => {
  const stream = await start({ args: ["--concurrency", "9", "--allow", "echo ...", "--allow", "date | wc -l"] });
  const allowed = { a: { command: "echo one two" }, b: { command: "date | wc -l" } };
  const refused = {
    c: { command: "echo one; id" },
    d: { command: "echo $(id)" },
    e: { command: "id" },
    f: { command: "/bin/echo", hasArgs: true, args: ["one"] },
    g: { command: "echo\nid" },
  };
  for (const [commandId, frame] of Object.entries({ ...allowed, ...refused })) {
    stream.assign({ commandId, ...frame, parametersJson: '{"allow":["id"]}' });
  }
  for (const commandId of Object.keys(allowed)) {
    expect(await stream.result(commandId)).toMatchObject({ exitCode: 0, error: "" });
  }
  for (const commandId of Object.keys(refused)) {
    const failed = { outcome: "OUTCOME_FAILED", error: "not_allowed", exitCode: -1, recorded: true };
    expect(await stream.result(commandId)).toMatchObject(failed);
  }
  expect(outputOf(stream, "a")).toBe("one two\n");
});

test("the list of variables that commands see can be set", async () => {
  const stream = await start({
    args: ["--env-allow", "PATH,APP_*"],
    env: { APP_MODE: "test", APP_ZONE: "z", OTHER: "hidden" },
  });
  stream.assign({ commandId: "env", command: "/usr/bin/env", hasArgs: true });
  await stream.result("env");
  const names = outputOf(stream, "env")
    .trim()
    .split("\n")
    .map((line) => line.split("=")[0]);
  const expected = ["APP_MODE", "APP_ZONE", "FLEETWIRE_AGENT_ID", "FLEETWIRE_ATTEMPT", "FLEETWIRE_COMMAND_ID", "PATH"];
  expect(new Set(names)).toEqual(new Set(expected));
});

test("the join token reaches no command, whatever the list says", async () => {
  const stream = await start({ args: ["--env-allow", "*,FLEETWIRE_JOIN_TOKEN"], env: { OTHER: "seen" } });
  stream.assign({ commandId: "env", command: "/usr/bin/env", hasArgs: true });
  await stream.result("env");
  expect(outputOf(stream, "env")).toContain("OTHER=seen");
  expect(outputOf(stream, "env")).not.toMatch(/JOIN_TOKEN|good-token/);
});

test("the shell can be set", async () => {
  const stream = await start({ args: ["--shell", "/bin/sh"] });
  stream.assign({ commandId: "shell", command: "echo $0" });
  await stream.result("shell");
  expect(outputOf(stream, "shell")).toBe("/bin/sh\n");
});

const example = fileURLToPath(new URL("../examples/word-count.ts", import.meta.url));

test("a plug-in's type is announced with its schema, checked and run", async () => {
  const stream = await start({ args: ["--plugins", example] });
  const announced = stream.hello.profile?.types.find(({ type }) => type === "WORD_COUNT");
  expect(JSON.parse(announced?.parametersSchemaJson ?? "")).toMatchObject({ required: ["text"] });
  stream.assign({ commandId: "count", type: "WORD_COUNT", parametersJson: '{"text":"to be or not"}' });
  expect(await stream.result("count")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 0, recorded: true });
  expect(outputOf(stream, "count")).toBe("1 to\n2 be\n3 or\n4 not\n4\n");
  stream.assign({ commandId: "none", type: "WORD_COUNT", parametersJson: '{"text":""}' });
  expect(await stream.result("none")).toMatchObject({ outcome: "OUTCOME_EXITED", exitCode: 1 });
  stream.assign({ commandId: "wrong", type: "WORD_COUNT", parametersJson: '{"texts":""}' });
  expect(await stream.result("wrong")).toMatchObject({ outcome: "OUTCOME_FAILED", error: "invalid_parameters" });
});

test("a plug-in is asked to end by its signal, when its time is over and on cancel", async () => {
  const stream = await start({ args: ["--plugins", example] });
  const parametersJson = '{"text":"a b","everyMs":60000}';
  stream.assign({ commandId: "late", type: "WORD_COUNT", parametersJson, timeoutMs: 200 });
  expect(await stream.result("late")).toMatchObject({ outcome: "OUTCOME_TIMEOUT", error: "timeout" });
  const assignNo = stream.assign({ commandId: "cancelled", type: "WORD_COUNT", parametersJson });
  await stream.wait("output", ({ commandId }) => commandId === "cancelled");
  stream.cancel("cancelled", assignNo);
  expect(await stream.result("cancelled")).toMatchObject({ outcome: "OUTCOME_CANCELLED" });
});

test("a plug-in that throws fails its command alone; one that won't end is given up", async () => {
  const file = join(tempDir("plugin"), "odd.mjs");
  writeFileSync(
    file,
    `export default { type: "ODD", run({ parameters }) {
       if (parameters.stuck) return new Promise(() => {});
       if (parameters.code) return Promise.resolve({ exitCode: parameters.code });
       throw new Error("broken inside");
     } };`,
  );
  const stream = await start({ args: ["--plugins", file, "--kill-grace", "200ms"] });
  stream.assign({ commandId: "throws", type: "ODD" });
  stream.assign({ commandId: "code", type: "ODD", parametersJson: '{"code":3000}' });
  stream.assign({ commandId: "stuck", type: "ODD", parametersJson: '{"stuck":true}', timeoutMs: 100 });
  const failed = { outcome: "OUTCOME_FAILED", error: "plugin_failed" };
  expect(await stream.result("throws")).toMatchObject({ ...failed, errorMessage: "broken inside" });
  expect(await stream.result("code")).toMatchObject(failed);
  const stuck = await stream.result("stuck");
  expect(stuck.outcome).toBe("OUTCOME_TIMEOUT");
  expect(stuck.errorMessage).toContain("didn't end when it was asked to");
});

test("settings can come from a file, where an allowed command may have commas", async () => {
  const folder = tempDir("settings");
  const file = join(folder, "agent.yaml");
  writeFileSync(file, 'concurrency: 2\nlabels: ["zone=${ZONE:-north}"]\nallow: ["echo a,b; echo c"]\n');
  const stream = await start({ args: ["--config", file] });
  expect(stream.hello.profile).toMatchObject({ concurrency: 2, labels: { zone: "north" } });
  stream.assign({ commandId: "commas", command: "echo a,b; echo c" });
  expect(await stream.result("commas")).toMatchObject({ exitCode: 0 });
});
