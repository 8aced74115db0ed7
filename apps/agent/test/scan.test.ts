import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ScanDocument } from "../src/plugins/scan/document.ts";
import { type AgentProcess, startAgentProcess } from "./support/agent-process.ts";
import { outputOf, startTestServer, type TestServer, type TestStream } from "./support/test-server.ts";

let server: TestServer;
let agent: AgentProcess;
let stream: TestStream;

beforeAll(async () => {
  server = await startTestServer();
  agent = startAgentProcess(server, { args: ["--plugins", "scan"] });
  stream = await server.stream();
});
afterAll(async () => {
  await agent.stop();
  await server.stop();
});

async function scan(commandId: string, parameters: object): Promise<{ exitCode: number; document: ScanDocument }> {
  stream.assign({ commandId, type: "SCAN", parametersJson: JSON.stringify(parameters) });
  const { exitCode } = await stream.result(commandId);
  return { exitCode, document: JSON.parse(outputOf(stream, commandId)) };
}

test("it is announced with its parameters' schema", () => {
  const announced = stream.hello.profile?.types.find(({ type }) => type === "SCAN");
  expect(JSON.parse(announced?.parametersSchemaJson ?? "")).toMatchObject({
    properties: { sections: { items: { enum: ["packages", "ports", "users"] } }, maxPackages: { type: "integer" } },
    additionalProperties: false,
  });
});

test("it finds the accounts of this machine, and only what was asked for", async () => {
  const { exitCode, document } = await scan("users", { sections: ["users"] });
  expect(exitCode).toBe(0);
  expect(Object.keys(document).toSorted()).toEqual(["errors", "platform", "users"]);
  expect(document).toMatchObject({
    errors: [],
    users: { truncated: false, items: expect.arrayContaining([expect.objectContaining({ name: "root", uid: 0 })]) },
  });
});

test.runIf(process.platform === "linux")("it finds a port that listens, with the process that has it", async () => {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const port = typeof address === "object" ? address?.port : null;
  const { document } = await scan("ports", { sections: ["ports"] });
  listener.close();
  expect(document).toMatchObject({
    errors: [],
    ports: {
      items: expect.arrayContaining([
        { protocol: "tcp", address: "127.0.0.1", port, pid: process.pid, process: expect.any(String) },
      ]),
    },
  });
});

test.runIf(existsSync("/var/lib/dpkg/status"))(
  "it finds installed packages, at most as many as were asked for",
  async () => {
    const { document } = await scan("packages", { sections: ["packages"], maxPackages: 20_000 });
    const dpkg = expect.objectContaining({ manager: "dpkg", name: "dpkg", version: expect.stringMatching(/^\d/) });
    expect(document).toMatchObject({
      errors: [],
      packages: { truncated: false, items: expect.arrayContaining([dpkg]) },
    });
    const few = await scan("few", { sections: ["packages"], maxPackages: 2 });
    expect(few.document.packages).toMatchObject({ truncated: true, total: document.packages?.total });
    expect(few.document.packages?.items).toHaveLength(2);
  },
);

test("parameters that aren't as the schema says are refused", async () => {
  for (const [commandId, parameters] of Object.entries({
    section: { sections: ["secrets"] },
    none: { sections: [] },
    twice: { sections: ["users", "users"] },
    many: { maxPackages: 1_000_000 },
    other: { path: "/etc/shadow" },
  })) {
    stream.assign({ commandId, type: "SCAN", parametersJson: JSON.stringify(parameters) });
    expect(await stream.result(commandId)).toMatchObject({ error: "invalid_parameters" });
  }
});
