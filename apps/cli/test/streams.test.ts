import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, removeTempDir, startProcess, tempDir } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { fleetwire, mainFile, startFleetwire } from "./fleetwire.ts";
import {
  command,
  event,
  eventStream,
  json,
  problem,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";

const commandId = "01990b5e-0000-7000-8000-000000000001";
const outputPath = `GET /commands/${commandId}/output`;
const queue: Script = (_request, response) => json(response, 202, { commandId, status: "queued" });

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

async function serve(scripts: Record<string, Script>): Promise<ScriptedServer> {
  server = await startScriptedServer({ "POST /commands": queue, ...scripts });
  return server;
}

function output(offset: number, data: string, stream = "stdout"): string {
  return event("output", { offset, bytes: data.length, stream, encoding: "utf8", data }, `1-${offset + data.length}`);
}

test("a cut stream is taken up after the last event seen, and nothing comes twice", async () => {
  let connections = 0;
  const target = await serve({
    [outputPath]: (_request, response) => {
      connections += 1;
      if (connections === 2) return problem(response, 503, "store_unavailable", "The store is away.");
      eventStream(response);
      if (connections === 1) return void response.write(output(0, "one\n"), () => response.destroy());
      response.end(output(4, "two\n") + event("end", command("failed", { result: { exitCode: 9 } })));
    },
  });
  const { code, stdout, stderr } = await fleetwire(target, "command", "run", "--agent", "a1", "x");
  expect([code, stdout]).toEqual([9, "one\ntwo"]);
  expect(stderr).toContain("trying again");
  const resumed = target.requests
    .filter(({ path }) => path.includes("follow=true"))
    .map(({ headers }) => headers["last-event-id"]);
  expect(resumed).toEqual([undefined, "1-4", "1-4"]);
});

test("a request whose answer was lost is sent again under the same idempotency key", async () => {
  let posts = 0;
  const target = await serve({
    "POST /commands": (request, response) => {
      posts += 1;
      if (posts === 1) response.destroy();
      else queue(request, response);
    },
  });
  const { code, stdout } = await fleetwire(target, "command", "send", "--agent", "a1", "x");
  const [first, second] = target.requests.map(({ body }) => body);
  expect([code, stdout, target.requests.length, first]).toEqual([0, commandId, 2, second]);
});

test("a stream that ends with a problem that stays is an error; unknown events are passed over", async () => {
  const target = await serve({
    [outputPath]: (_request, response) => {
      eventStream(response);
      const gone = { type: "about:blank", title: "Not Found", status: 404, detail: "Gone.", code: "command_unknown" };
      response.end(event("weather", { sunny: true }) + event("problem", gone));
    },
  });
  const { code, stderr } = await fleetwire(target, "command", "run", "--agent", "a1", "x");
  expect([code, stderr]).toEqual([66, expect.stringContaining("command_unknown")]);
});

test("output that wasn't kept is told on stderr, where it is missing", async () => {
  const target = await serve({
    [outputPath]: (_request, response) => {
      eventStream(response);
      response.write(output(0, "head\n") + event("gap", { offset: 5, bytes: 1000 }, "1-1005"));
      response.end(output(1005, "tail\n") + event("end", command("completed", { result: { exitCode: 0 } })));
    },
  });
  const { code, stdout, stderr } = await fleetwire(target, "command", "run", "--agent", "a1", "x");
  expect([code, stdout, stderr]).toEqual([0, "head\ntail", "fleetwire: 1000 bytes of output were not kept"]);
});

test("--wait --timeout gives up with 75 and leaves the command alone", async () => {
  const target = await serve({
    [outputPath]: (_request, response) => {
      eventStream(response);
      response.write(event("state", command("assigned")));
    },
  });
  const { code, stderr } = await fleetwire(
    target,
    "command",
    "send",
    "--agent",
    "a1",
    "--wait",
    "--timeout",
    "300ms",
    "x",
  );
  expect([code, stderr]).toEqual([75, expect.stringContaining("still assigned after 300 ms")]);
  expect(target.requests.some(({ path }) => path.endsWith("/cancel"))).toBe(false);
});

test("Ctrl-C in a bulk cancel stops between two and says how far it came", async () => {
  const target = await serve({
    "POST /commands/c1/cancel": (_request, response) => json(response, 200, command("cancelled", { commandId: "c1" })),
    // c2's answer comes after the Ctrl-C.
    "POST /commands/c2/cancel": (_request, response) => {
      cancel.signal("SIGINT");
      const answer = () => json(response, 200, command("cancelled", { commandId: "c2" }));
      void cancel.waitForLine(/stopping after this one/).then(answer);
    },
  });
  const cancel = startFleetwire(target, ["command", "cancel", "c1", "c2", "c3", "c4"]);
  expect((await cancel.exited).code).toBe(130);
  expect(cancel.stdout).toEqual(["c1  cancelled", "c2  cancelled"]);
  expect(cancel.stderr.at(-1)).toBe("fleetwire: 2 of 4 were treated");
});

const environment = (target: ScriptedServer) => ({ FLEETWIRE_URL: target.url, FLEETWIRE_TOKEN: target.token });
const nodeArgs = ["--conditions=@fleetwire/source", mainFile];

test("a reader that goes away ends the program quietly", async () => {
  const target = await serve({
    [outputPath]: (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      const more = () => {
        while (response.write("line\n".repeat(10_000)));
      };
      response.on("drain", more);
      more();
    },
  });
  const child = spawn(process.execPath, [...nodeArgs, "command", "logs", commandId], {
    env: environment(target),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stderr: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = await once(child, "close");
  expect([code, Buffer.concat(stderr).toString()]).toEqual([141, ""]);
});

test("a slow reader slows the server down: output isn't piled up in memory", async () => {
  const total = 200 * 1024 * 1024;
  const piece = Buffer.alloc(64 * 1024, "x");
  let sent = 0;
  const target = await serve({
    [outputPath]: (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      const more = () => {
        let room = true;
        while (room && sent < total) {
          sent += piece.length;
          room = response.write(piece);
        }
        if (sent >= total) response.end();
      };
      response.on("drain", more);
      more();
    },
  });
  const child = spawn(process.execPath, [...nodeArgs, "command", "logs", commandId], {
    env: environment(target),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "readable");
  let before = -1;
  await eventually(() => sent === before || ((before = sent), false), {
    deadlineMs: 20_000,
    intervalMs: 500,
    what: "a stand-still",
  });
  expect(sent).toBeLessThan(total / 4);
  let received = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) received += chunk.length;
  expect(received).toBe(total);
});

test("the launcher works through a symlink, in a path with a space, from any directory", async () => {
  const folder = join(tempDir("launcher"), "a space & more");
  mkdirSync(folder);
  const bin = fileURLToPath(new URL("../../../bin", import.meta.url));
  symlinkSync(join(bin, "fleetwire"), join(folder, "first link"));
  symlinkSync("first link", join(folder, "fw"));
  const linked = startProcess({ name: "fw", command: join(folder, "fw"), args: ["--version"], cwd: "/" });
  expect([(await linked.exited).code, linked.stdout]).toEqual([0, [expect.stringMatching(/^\d+\.\d+\.\d+$/)]]);
});

test("without dependencies the launchers say what to do", async () => {
  const checkout = join(tempDir("bare"), "check out");
  cpSync(fileURLToPath(new URL("../../../bin", import.meta.url)), join(checkout, "bin"), { recursive: true });
  for (const name of ["fleetwire", "fleetwire-agent", "fleetwire-command-server", "command-sender"]) {
    chmodSync(join(checkout, "bin", name), 0o755);
    const bare = startProcess({ name, command: join(checkout, "bin", name), args: ["--version"] });
    expect([(await bare.exited).code, bare.stderr]).toEqual([
      69,
      [`${name}: dependencies are not installed: run "npm start" once in ${checkout}`],
    ]);
  }
  removeTempDir(checkout);
});
