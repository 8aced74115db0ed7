import { freePort } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { fleetwire } from "./fleetwire.ts";
import { command, json, problem, type Script, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function serve(scripts: Record<string, Script>): Promise<ScriptedServer> {
  server = await startScriptedServer(scripts);
  return server;
}

const statusPath = "GET /commands/01990b5e-0000-7000-8000-000000000001";
const commandId = "01990b5e-0000-7000-8000-000000000001";

test("escape sequences in an agent's data don't reach the terminal, in tables and in show", async () => {
  const agent = {
    agentId: "a1",
    status: "online",
    hostname: "\u001b]0;x\u0007\u001b[2Jhost\nFAKE  online",
    labels: { "\u009b31m": "\r" },
  };
  const target = await serve({
    "GET /agents": (_request, response) => json(response, 200, { items: [agent], nextCursor: null }),
    "GET /agents/a1": (_request, response) => json(response, 200, agent),
  });
  const list = await fleetwire(target, "agents", "list");
  const show = await fleetwire(target, "agents", "show", "a1");
  expect(list.stdout.split("\n")).toHaveLength(2);
  // oxlint-disable-next-line no-control-regex -- what must not be there
  for (const { stdout } of [list, show]) expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(list.stdout).toContain("␛[2Jhost␊FAKE");
});

test("escape sequences in what a command left running, and in why a session ended, don't reach the terminal", async () => {
  const session = {
    epoch: 1,
    serverId: "s\u001b[2J",
    connectedAt: "2026-11-22T10:00:00.000Z",
    detail: "\u001b]0;x\u0007",
  };
  const leftRunning = [{ pid: 4711, command: "sleep\u001b[2J 60\nstatus  completed" }];
  const target = await serve({
    "GET /agents/a1/sessions": (_request, response) => json(response, 200, { items: [session], nextCursor: null }),
    [statusPath]: (_request, response) => json(response, 200, { ...command("completed"), result: { leftRunning } }),
  });
  const sessions = await fleetwire(target, "agents", "sessions", "a1");
  const status = await fleetwire(target, "command", "status", commandId);
  // oxlint-disable-next-line no-control-regex -- what must not be there
  for (const { stdout } of [sessions, status]) expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(status.stdout).toMatch(/^left running +4711 sleep␛\[2J 60␊status/m);
});

test("escape sequences in an error's words don't reach the terminal", async () => {
  const target = await serve({
    [statusPath]: (_request, response) => problem(response, 400, "invalid_request", "no \u001b[31mway\u001b[0m"),
  });
  const { code, stderr } = await fleetwire(target, "command", "status", commandId);
  expect([code, stderr.includes("\u001b"), stderr]).toEqual([65, false, expect.stringContaining("no ␛[31mway")]);
});

test.each([
  [401, "unauthenticated", 77],
  [403, "forbidden", 77],
  [404, "command_unknown", 66],
  [409, "command_ended", 65],
  [422, "invalid_parameters", 65],
  [429, "too_many", 75],
  [500, "internal_error", 75],
  [503, "store_unavailable", 75],
])("an answer of %i %s ends with the exit code that is documented for it", async (status, name, expected) => {
  const target = await serve({ [statusPath]: (_request, response) => problem(response, status, name, "So it is.") });
  const { code, stdout, stderr } = await fleetwire(target, "command", "status", commandId);
  expect([code, stdout, stderr]).toEqual([expected, "", expect.stringContaining(`So it is. (${name})`)]);
});

test("what is wrong with a request is shown field by field", async () => {
  const violations = { errors: [{ path: "/timeoutSeconds", message: "must be <= 86400" }] };
  const target = await serve({
    "POST /commands": (_request, response) => problem(response, 400, "invalid_request", "Malformed.", violations),
  });
  const { code, stderr } = await fleetwire(target, "command", "send", "--agent", "a1", "--time-limit", "9d", "uptime");
  expect([code, stderr]).toEqual([65, expect.stringContaining("/timeoutSeconds: must be <= 86400")]);
});

test("a type that the agent doesn't offer is answered with those that it does", async () => {
  const details = { type: "SCAN", known: ["SHELL", "PI\u001bNG"] };
  const target = await serve({
    "POST /commands": (_request, response) => problem(response, 422, "unknown_type", "Not offered.", { details }),
  });
  const { code, stderr } = await fleetwire(target, "command", "send", "--agent", "a1", "--type", "SCAN");
  expect([code, stderr]).toEqual([65, expect.stringContaining("it offers SHELL, PI␛NG")]);
});

test("a web page, a list where a command belongs and a missing field are told as what they are", async () => {
  const scripts: Script[] = [
    (_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>It works</h1>"),
    (_request, response) => json(response, 200, []),
    (_request, response) => json(response, 200, { commandId: 7 }),
  ];
  for (const script of scripts) {
    const target = await serve({ [statusPath]: script });
    const { code, stdout, stderr } = await fleetwire(target, "command", "status", commandId);
    expect([code, stdout]).toEqual([69, ""]);
    expect(stderr).toMatch(/isn't a command-server|the server's answer has/);
    expect(stderr).not.toContain("    at ");
    await target.close();
  }
  server = undefined;
});

test("nobody listening is exit code 69, with what to do", async () => {
  const target = { url: `http://127.0.0.1:${await freePort()}`, token: "t" };
  const { code, stderr } = await fleetwire(target, "agents", "list");
  expect([code, stderr]).toEqual([69, expect.stringMatching(/nothing listens there[^]*npm start/)]);
});

test("the token goes into the header alone, and to no other host by a redirect", async () => {
  const elsewhere = await startScriptedServer({});
  const target = await serve({
    [statusPath]: (_request, response) => void response.writeHead(302, { location: `${elsewhere.url}/x` }).end(),
  });
  const { code, stdout, stderr } = await fleetwire(target, "command", "status", commandId);
  await elsewhere.close();
  expect(target.requests[0]?.headers.authorization).toBe("Bearer fw_test");
  expect([code, elsewhere.requests, `${stdout}${stderr}`.includes("fw_test")]).toEqual([69, [], false]);
});

test("an id from the command line stays one segment of the path", async () => {
  const target = await serve({});
  for (const id of ["../agents", "..", "a/b?c=d#e", "%2e%2e"]) await fleetwire(target, "command", "status", id);
  expect(target.requests.map(({ path }) => path.split("/").length)).toEqual([3, 3, 3, 3]);
  expect(target.requests.every(({ path }) => path.startsWith("/commands/"))).toBe(true);
});

test("--json prints the server's data on stdout and nothing else there", async () => {
  const whole = command("failed", {
    result: { exitCode: 3, output: "\u001b[1mx\n", truncated: false, durationMs: 4 },
    added: "later",
  });
  const target = await serve({ [statusPath]: (_request, response) => json(response, 200, whole) });
  const { code, stdout } = await fleetwire(target, "--json", "command", "status", commandId);
  expect([code, JSON.parse(stdout)]).toEqual([0, whole]);
});
