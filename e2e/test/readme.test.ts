import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort, startProcess, tempDir, type TestProcess } from "@fleetwire/testbed";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const home = join(tempDir("readme"), "home");
const started: TestProcess[] = [];

afterAll(async () => {
  for (const process of started.toReversed()) await process.stop();
});

/** The commands of README's section on the parts, block by block, as a reader would paste them. */
function blocks(): string[] {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const section = /## Run the parts by themselves\n(.*?)\n## /s.exec(readme)?.[1] ?? "";
  return [...section.matchAll(/```\n(.*?)```/gs)].map(([, block = ""]) => block).slice(0, 3);
}

test("README's commands start a server and two agents, and a command reaches the right one", async () => {
  const [server = "", agents = "", use = ""] = blocks();
  expect(server).toContain("bin/fleetwire-command-server");
  const [port, grpcPort] = [await freePort(), await freePort()];
  // Only what keeps it apart from another installation on this machine; the commands stand as they are.
  const env = {
    FLEETWIRE_HOME: home,
    COMMAND_SERVER_PORT: String(port),
    COMMAND_SERVER_GRPC_PORT: String(grpcPort),
    FLEETWIRE_SERVER: `127.0.0.1:${grpcPort}`,
    LOGS: tempDir("readme-logs"),
  };
  const shell = (name: string, script: string): TestProcess => {
    // Their logs would lie in the checkout.
    const elsewhere = script.replaceAll(/> (web-\d\.log)/g, '> "$LOGS/$1"');
    const process = startProcess({ name, command: "/bin/bash", args: ["-ec", elsewhere], cwd: root, env });
    started.push(process);
    return process;
  };

  await shell("server", server).waitForLine(/command-server is ready/, 20_000);
  shell("agents", `${agents}\nwait`);
  const cli = (line: string): TestProcess => shell(line, line);
  await eventually(
    async () => {
      const list = cli("bin/fleetwire agents list");
      await list.exited;
      return list.stdout.filter((line) => line.includes("online")).length === 2;
    },
    { deadlineMs: 20_000, what: "both agents to be online" },
  );

  const run = shell("use", use);
  expect(await run.exited).toEqual({ code: 0, signal: null });
  expect(run.stdout).toContain("I am web-2");
  await eventually(
    async () => {
      const list = cli("bin/fleetwire agents list");
      await list.exited;
      return (
        list.stdout.some((line) => /^web-1\s+offline/.test(line)) &&
        list.stdout.some((line) => /^web-2\s+online/.test(line))
      );
    },
    { deadlineMs: 20_000, what: "web-1 alone to be stopped" },
  );
});
