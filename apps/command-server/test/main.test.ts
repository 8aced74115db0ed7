import { readFileSync } from "node:fs";
import { join } from "node:path";
import { removeTempDir, runSource, tempDir, type TestProcess } from "@fleetwire/testbed";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takePort } from "./api-server.ts";

const main = join(import.meta.dirname, "../src/main.ts");
let home: string;
let server: TestProcess | null = null;

beforeEach(() => {
  home = tempDir("main");
});
afterEach(async () => {
  await server?.stop();
  server = null;
  removeTempDir(home);
});

/** The command-server as a process of its own, with nothing set but its home and free ports. */
function run(env: Record<string, string> = {}, args: string[] = []): TestProcess {
  const base = { FLEETWIRE_HOME: home, COMMAND_SERVER_PORT: "0", COMMAND_SERVER_GRPC_PORT: "0" };
  server = runSource(main, args, { name: "command-server", env: { ...base, ...env } });
  return server;
}

describe("the process", () => {
  test("with nothing set serves from an embedded database, tells the command line, and ends in order", async () => {
    const running = run();
    await running.waitForLine(/command-server is ready: http/, 60_000);
    const cli = JSON.parse(readFileSync(join(home, "cli.json"), "utf8")) as {
      urls: { commands: string; grpc: string };
      token: string;
    };
    const answer = await fetch(`${cli.urls.commands}/commands`, { headers: { authorization: `Bearer ${cli.token}` } });
    expect(answer.status).toBe(200);
    expect(cli.urls.grpc).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(running.output.some((line) => line.includes(cli.token))).toBe(false);
    const { code } = await running.stop({ deadlineMs: 40_000 });
    expect(code).toBe(0);
    const steps = running.output.flatMap((line) => /"step":"([^"]+)"/.exec(line)?.[1] ?? []);
    expect(steps).toEqual(["command-server", "store", "database", "embedded PostgreSQL", "token verifier"]);
  });

  test("says which port is taken, and ends with 1", async () => {
    const { port, release } = await takePort();
    const failing = run({ COMMAND_SERVER_PORT: String(port) });
    await failing.waitForLine(new RegExp(`Port ${port} \\(COMMAND_SERVER_PORT\\) is taken`), 60_000);
    expect((await failing.exited).code).toBe(1);
    await release();
  });

  test("says what is wrong with its settings, and ends with 78", async () => {
    const failing = run({ COMMAND_BATCH_SIZE: "many" });
    await failing.waitForLine(/COMMAND_BATCH_SIZE: expected a whole number/, 20_000);
    expect((await failing.exited).code).toBe(78);
  });

  test("explains its settings with --help", async () => {
    const helping = run({}, ["--help"]);
    await helping.waitForLine(/--polling-interval, COMMAND_POLLING_INTERVAL/, 20_000);
    expect((await helping.exited).code).toBe(0);
  });
});
