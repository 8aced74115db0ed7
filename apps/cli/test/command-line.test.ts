import { afterEach, beforeEach, expect, test } from "vitest";
import { commandSender, fleetwire } from "./fleetwire.ts";
import { json, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer({
    "POST /commands": (_request, response) => json(response, 202, { commandId: "c-1", status: "queued" }),
  });
});
afterEach(() => server.close());

function sent(): Record<string, unknown> {
  const request: Record<string, unknown> = JSON.parse(server.requests[0]?.body ?? "{}");
  const { idempotencyKey, ...body } = request;
  expect(idempotencyKey).toMatch(/^cli-[0-9a-f-]{36}$/);
  return body;
}

test("a line goes to the agent as it stands: nothing in it is interpreted here", async () => {
  const line = 'echo $(touch /tmp/fleetwire-owned) `id` "$HOME"\n  second line; \' \\ ☃';
  const { code, stdout } = await fleetwire(server, "command", "send", "--agent", "a1", line);
  expect([code, stdout]).toEqual([0, "c-1"]);
  expect(sent()).toEqual({ agentId: "a1", type: "SHELL", command: line });
});

test("what stands after -- is a program with its arguments, our own flags included", async () => {
  await fleetwire(server, "command", "send", "--agent", "a1", "--", "ls", "-l", "--json", "--", "my file", "$(id)", "");
  expect(sent()).toEqual({
    agentId: "a1",
    type: "SHELL",
    command: "ls",
    args: ["-l", "--json", "--", "my file", "$(id)", ""],
  });
});

test("a program without arguments is still run without a shell", async () => {
  await fleetwire(server, "command", "send", "--agent", "a1", "--", "uptime");
  expect(sent()).toEqual({ agentId: "a1", type: "SHELL", command: "uptime", args: [] });
});

test("a line that begins with a dash is taken by --shell-line, and otherwise refused as an unknown option", async () => {
  const refused = await fleetwire(server, "command", "send", "--agent", "a1", "-x; true");
  expect([refused.code, server.requests]).toEqual([64, []]);
  await fleetwire(server, "command", "send", "--agent", "a1", "--shell-line", "-x; true");
  expect(sent()).toEqual({ agentId: "a1", type: "SHELL", command: "-x; true" });
});

test("options become the fields of the API", async () => {
  const options = [
    "--priority",
    "urgent",
    "--time-limit",
    "90s",
    "--idempotent",
    "--attempts",
    "3",
    "--allow-unknown-agent",
  ];
  await fleetwire(server, "command", "send", "--agent", "a1", "--type", "SCAN", "--params", "deep=yes", ...options);
  expect(sent()).toEqual({
    agentId: "a1",
    type: "SCAN",
    parameters: { deep: "yes" },
    priority: 9,
    timeoutSeconds: 90,
    idempotent: true,
    retry: { maxAttempts: 3 },
    allowUnknownAgent: true,
  });
});

test.each([
  [["command", "send", "--agent", "a1"], /what is to run/],
  [["command", "send", "--agent", "a1", "uptime", "-", "x"], /quote it/],
  [["command", "send", "--agent", "a1", "uptime", "--", "ls"], /not both/],
  [["command", "send", "--agent", "a1", "--"], /belongs after/],
  [["command", "send", "uptime"], /--agent/],
  [["command", "send", "--agent", "a1", "--type", "PING", "uptime"], /no line to run/],
  [["command", "send", "--agent", "a1", "--priority", "11", "x"], /0 to 10/],
  [["command", "send", "--agent", "a1", "--time-limit", "soon", "x"], /30s, 5m/],
  [["command", "list", "--limit", "0"], /1 to 500/],
  [["command", "nope"], /unknown command/],
  [["--url", "nonsense", "agents", "list"], /isn't|is not a URL/],
  [[], /Usage: fleetwire/],
])("%j is refused with exit code 64 before anything is sent", async (args, words) => {
  const { code, stdout, stderr } = await fleetwire(server, ...args);
  expect([code, stdout, stderr]).toEqual([64, "", expect.stringMatching(words)]);
  expect(server.requests).toEqual([]);
});

test("help and version are data on stdout and exit with 0", async () => {
  const help = await fleetwire(server, "command", "run", "--help");
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("Examples:")]);
  const version = await fleetwire(server, "--version");
  expect([version.code, version.stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
  const codes = await fleetwire(server, "help", "exit-codes");
  expect([codes.code, codes.stdout]).toEqual([0, expect.stringContaining("124")]);
});

test("command-sender takes document 004's line, and allows an agent that isn't known", async () => {
  const { code, stdout } = await commandSender(server, "--agent=agent123", "--type=STOP", "--params=reason=test");
  expect([code, stdout]).toEqual([0, "c-1 queued"]);
  expect(sent()).toEqual({
    agentId: "agent123",
    type: "STOP",
    parameters: { reason: "test" },
    allowUnknownAgent: true,
  });
});

test("command-sender takes parameters as JSON and repeated, and a line by --command", async () => {
  await commandSender(server, "--agent=a1", "--type=SCAN", '--params={"depth":2}', "--params=a=b,c=d");
  expect(sent()).toMatchObject({ parameters: { depth: 2, a: "b", c: "d" } });
  server.requests.length = 0;
  await commandSender(server, "--agent=a1", "--command=uptime");
  expect(sent()).toEqual({ agentId: "a1", type: "SHELL", command: "uptime", allowUnknownAgent: true });
});
