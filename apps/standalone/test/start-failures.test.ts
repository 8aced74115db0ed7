import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeTempDir } from "@fleetwire/testbed";
import { processesWith, startReady, startStandalone, testHome } from "./standalone-process.ts";

let home: string;
beforeEach(() => {
  home = testHome();
});
afterEach(() => removeTempDir(home));

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, port: address.port };
}

test.each([
  ["HTTP", "COMMAND_SERVER_PORT"],
  ["gRPC", "COMMAND_SERVER_GRPC_PORT"],
])("a taken %s port is named, with the process that has it and the setting that changes it", async (name, variable) => {
  const { server, port } = await listen();
  const standalone = startStandalone(home, [], { [variable]: String(port) });
  const { code } = await standalone.exited;
  server.close();
  const said = standalone.stderr.join("\n");
  expect(code).toBe(1);
  expect(said).toContain(`port ${port} (${name}) is taken by process ${process.pid}: `);
  expect(said).toContain(`${variable}=`);
  expect(await processesWith(home)).toEqual([]);
});

test("a second standalone of the same home is refused with the first one's process id; another home is fine", async () => {
  const first = await startReady(home);
  const second = startStandalone(home);
  expect((await second.exited).code).toBe(1);
  expect(second.stderr.join("\n")).toContain(`already runs in ${home} (process ${first.pid})`);
  const otherHome = testHome();
  const other = await startReady(otherHome);
  expect((await other.stop()).code).toBe(0);
  expect((await first.stop()).code).toBe(0);
  removeTempDir(otherHome);
}, 120_000);

test("a setting that is wrong is named, with what was expected", async () => {
  const standalone = startStandalone(home, [], { COMMAND_SERVER_PORT: "http" });
  expect((await standalone.exited).code).toBe(1);
  expect(standalone.stderr.join("\n")).toMatch(/COMMAND_SERVER_PORT: expected a port.*got "http"/);
});

test("a home that can't be written is told", async () => {
  const standalone = startStandalone("/dev/null/home");
  expect((await standalone.exited).code).toBe(1);
  expect(standalone.stderr.join("\n")).toMatch(/can't use \/dev\/null\/home/);
});
