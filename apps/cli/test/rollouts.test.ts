import { spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { fleetwire, mainFile, startFleetwire } from "./fleetwire.ts";
import {
  command,
  counts,
  event,
  eventStream,
  json,
  problem,
  rollout,
  rolloutId,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";

const rolloutPath = `/rollouts/${rolloutId}`;
const runArgs = ["rollout", "run", "--fleet", "edge", "uptime"];
const accepted: Script = (_request, response) =>
  json(response, 202, { rolloutId, status: "running", targets: 4, unable: 0 });
const group = {
  status: "completed",
  exitCode: 0,
  error: null,
  count: 4,
  outputBytes: 3,
  output: "up\n",
  agents: ["a1"],
};

/** The counts that a rollout has had, of which the last are its final ones. */
function progress(name: "progress" | "end", change: object, status = name === "end" ? "completed" : "running"): string {
  const finished = name === "end" ? { finishedAt: "2026-11-22T10:00:12.300Z" } : {};
  return event(name, { rolloutId, status, counts: counts(change), ...finished });
}

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

interface Scripts {
  /** Answers to the request for events, one for each connection; the last for all that come after. */
  streams: Script[];
  final?: Record<string, unknown>;
  groups?: unknown;
  more?: Record<string, Script>;
}

async function serve({ streams, final = rollout("completed", { completed: 4 }), groups = [group], more }: Scripts) {
  let connections = 0;
  server = await startScriptedServer({
    "POST /commands": accepted,
    [`GET ${rolloutPath}`]: (request, response) => {
      if (!request.path.includes("follow=true")) return json(response, 200, final);
      const stream = streams[Math.min(connections, streams.length - 1)];
      connections += 1;
      stream?.(request, response);
    },
    [`GET ${rolloutPath}/groups`]: (_request, response) => json(response, 200, groups),
    ...more,
  });
  return server;
}

/** A stream of these events; `cut`: it breaks off after them. */
function stream(events: string[], after: "end" | "cut" | "hold" = "end"): Script {
  return (_request, response) => {
    eventStream(response);
    response.write(events.join(""), () => {
      if (after === "end") response.end();
      if (after === "cut") response.destroy();
    });
  };
}

const busy: Script = (_request, response) => problem(response, 503, "store_unavailable", "The store is away.");

const endless: Script = (_request, response) => {
  eventStream(response);
  const more = () => {
    while (response.write(progress("progress", { assigned: 4 })));
  };
  response.on("drain", more);
  more();
};

/** A command of the rollout that failed on this agent. */
function result(agentId: string): Record<string, unknown> {
  return command("failed", { agentId, output: `no ${agentId}\n`, result: { exitCode: 1 } });
}

const goesWell = stream([progress("progress", { assigned: 4 }), progress("end", { completed: 4 })]);

test("run asks for what was said, follows it, and shows equal output once", async () => {
  const target = await serve({ streams: [goesWell] });
  const options = ["--label", "a=b=c", "--label", "__proto__=x", "--capability", "SCAN", "--online"];
  const limits = ["--max-concurrency", "2", "--max-errors", "0", "--priority", "high"];
  const run = await fleetwire(target, "rollout", "run", "--fleet", "edge", ...options, ...limits, "--", "ls", "-l");
  expect([run.code, run.stdout]).toEqual([0, "4 agents  completed  a1 and 3 more\n  up"]);
  const lines = run.stderr.split("\n");
  expect(lines[0]).toBe(`fleetwire: rollout ${rolloutId} for 4 agents`);
  expect(lines[1]).toMatch(/^fleetwire: \d:\d\d {2}\d of 4 done, /);
  expect(lines.at(-1)).toBe("fleetwire: all 4 completed, in 12.3 s");
  const { idempotencyKey, ...body } = JSON.parse(target.requests[0]?.body ?? "{}") as Record<string, unknown>;
  expect(idempotencyKey).toMatch(/^cli-/);
  expect(JSON.stringify(body["selector"])).toBe(
    '{"fleet":"edge","labels":{"a":"b=c","__proto__":"x"},"capabilities":["SCAN"],"online":true}',
  );
  expect(body).toMatchObject({ command: "ls", args: ["-l"], maxConcurrency: 2, maxErrors: 0, priority: 8 });
});

test.each([
  ["failed", rollout("completed", { completed: 2, failed: 2, errors: 2 }), 1, "2 of 4 completed, 2 failed, in 12.3 s"],
  [
    "halted",
    rollout("halted", { completed: 1, failed: 2, pending: 1, errors: 2 }, { maxErrors: 1 }),
    1,
    "halted at 2 errors (1 allowed): 1 of 4 completed, 2 failed, 1 never queued, in 12.3 s",
  ],
  [
    "stopped",
    rollout("stopped", { completed: 3, cancelled: 1 }),
    1,
    "stopped: 3 of 4 completed, 1 cancelled, in 12.3 s",
  ],
])("a rollout that %s ends the process with 1 and says why", async (_what, final, code, words) => {
  const target = await serve({ streams: [stream([event("end", final)])], final });
  const run = await fleetwire(target, ...runArgs);
  expect([run.code, run.stderr.split("\n").at(-1)]).toEqual([code, `fleetwire: ${words}`]);
});

test("a stream that breaks, or is refused for now, is taken up again", async () => {
  const cut = stream([progress("progress", { pending: 3, assigned: 1 })], "cut");
  const target = await serve({ streams: [cut, busy, busy, stream([event("weather", 1)], "cut"), goesWell] });
  const run = await fleetwire(target, ...runArgs);
  expect([run.code, run.stdout]).toEqual([0, "4 agents  completed  a1 and 3 more\n  up"]);
  expect(run.stderr).toContain("trying again");
});

test("what the store had to say about a rollout that is gone ends it", async () => {
  const gone = { type: "about:blank", title: "Not Found", status: 404, detail: "Gone.", code: "rollout_unknown" };
  const target = await serve({ streams: [stream([progress("progress", {}), event("problem", gone)])] });
  const { code, stderr } = await fleetwire(target, ...runArgs);
  expect([code, stderr]).toEqual([66, expect.stringContaining("Gone. (rollout_unknown)")]);
});

test("escape sequences in names and output don't reach the terminal", async () => {
  const hostile = {
    ...group,
    output: "\u001b[2J\u009b31mup\r\n\u202e",
    agents: ["\u001b]0;x\u0007"],
    status: "completed",
  };
  const target = await serve({
    streams: [goesWell],
    groups: [hostile],
    more: {
      "GET /rollouts": (_request, response) =>
        json(response, 200, { items: [rollout("running", {}, { command: "\u001b[31m" })], nextCursor: "\u001b[1m" }),
    },
  });
  const runs = [await fleetwire(target, ...runArgs), await fleetwire(target, "rollout", "list")];
  for (const { code, stdout, stderr } of runs) {
    expect(code).toBe(0);
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});

test("counts beyond all sense are shown or refused, and never a crash", async () => {
  const huge = rollout("completed", { targets: 9e15, completed: 9e15 - 1, failed: 1 });
  const target = await serve({ streams: [stream([event("end", huge)])], final: huge });
  const shown = await fleetwire(target, ...runArgs);
  expect([shown.code, shown.stderr]).toEqual([
    1,
    expect.stringContaining("8999999999999999 of 9000000000000000 compl"),
  ]);
  for (const change of [{ completed: -1 }, { completed: "4" }, { targets: [] }]) {
    await target.close();
    const other = await serve({ streams: [stream([progress("progress", change)], "hold")] });
    const { code, stderr } = await fleetwire(other, ...runArgs);
    expect([code, stderr]).toEqual([69, expect.stringContaining("the server's answer has")]);
  }
});

test("Ctrl-C leaves the rollout to itself and says how to go on", async () => {
  const target = await serve({ streams: [stream([progress("progress", { assigned: 4 })], "hold")] });
  const run = startFleetwire(target, runArgs);
  await run.waitForLine(/4 running/);
  run.signal("SIGINT");
  expect((await run.exited).code).toBe(130);
  expect(run.stderr.slice(-3)).toEqual([
    `fleetwire: no longer following; rollout ${rolloutId} goes on`,
    `  fleetwire rollout watch ${rolloutId}`,
    `  fleetwire rollout stop ${rolloutId}`,
  ]);
  expect(target.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
});

test("Ctrl-C ends the following too while the server is away", async () => {
  const target = await serve({ streams: [stream([], "cut")] });
  const run = startFleetwire(target, runArgs);
  await run.waitForLine(/trying again/);
  // The longer it is away, the longer are the pauses between two tries.
  const asked = () => target.requests.filter(({ path }) => path.includes("follow=true")).length;
  await eventually(() => asked() >= 4, { deadlineMs: 30_000, what: "four tries" });
  run.signal("SIGINT");
  expect((await run.exited).code).toBe(130);
  expect(run.stderr).toContain(`fleetwire: no longer following; rollout ${rolloutId} goes on`);
});

test("changes that come fast are told once a second at most, the last one always", async () => {
  const events = Array.from({ length: 50 }, (_, index) =>
    progress("progress", { targets: 50, completed: index, assigned: 50 - index }),
  );
  const final = rollout("completed", { targets: 50, completed: 50 });
  const target = await serve({ streams: [stream([...events, event("end", final)])], final });
  const { stderr } = await fleetwire(target, ...runArgs);
  expect(stderr.split("\n").length).toBeLessThanOrEqual(4);
  expect(stderr.split("\n").at(-1)).toBe("fleetwire: all 50 completed, in 12.3 s");
});

test("--json is one document for run, and one event on each line for watch", async () => {
  const target = await serve({ streams: [goesWell] });
  const run = await fleetwire(target, "--json", ...runArgs);
  expect([run.code, JSON.parse(run.stdout)]).toEqual([
    0,
    { ...rollout("completed", { completed: 4 }), groups: [group] },
  ]);
  const watch = await fleetwire(target, "--json", "rollout", "watch", rolloutId);
  expect(watch.code).toBe(0);
  expect(watch.stdout.split("\n").map((line): unknown => JSON.parse(line))).toMatchObject([
    { event: "progress", progress: { status: "running", counts: { assigned: 4 } } },
    { event: "end", progress: { status: "completed", counts: { completed: 4 } } },
  ]);
});

test("a reader that goes away ends watch quietly", async () => {
  const target = await serve({ streams: [endless] });
  const args = ["--conditions=@fleetwire/source", mainFile, "rollout", "watch", rolloutId, "--json"];
  const child = spawn(process.execPath, args, {
    env: { FLEETWIRE_URL: target.url, FLEETWIRE_TOKEN: target.token },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stderr: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = await once(child, "close");
  expect([code, Buffer.concat(stderr).toString()]).toEqual([141, ""]);
});

test("--dry-run says whom it would reach and asks for nothing else", async () => {
  const target = await serve({
    streams: [],
    more: {
      "POST /commands": (_request, response) =>
        json(response, 200, { dryRun: true, targets: 900, unable: 2, agents: ["a1", "a\u001b2"] }),
    },
  });
  const { code, stdout, stderr } = await fleetwire(target, ...runArgs, "--dry-run");
  expect([code, stdout]).toEqual([0, "a1\na␛2"]);
  expect(stderr).toBe("fleetwire: it would reach 900 agents; 2 more can't run it; the first 2 of them are shown");
  expect(target.requests.map(({ body }) => JSON.parse(body) as object)).toEqual([
    { selector: { fleet: "edge" }, type: "SHELL", command: "uptime", dryRun: true },
  ]);
});

test("--detach prints the id alone; --pick-one is a command, followed as command run follows it", async () => {
  const { commandId } = command("queued");
  const target = await serve({
    streams: [],
    more: {
      "POST /commands": (request, response) =>
        request.body.includes('"pick":"one"')
          ? json(response, 202, { commandId, status: "queued", agentId: "a7" })
          : accepted(request, response),
      [`GET /commands/${String(commandId)}/output`]: (_request, response) => {
        eventStream(response);
        response.write(event("output", { offset: 0, stream: "stdout", encoding: "utf8", data: "picked\n" }, "1-7"));
        response.end(event("end", command("failed", { result: { exitCode: 9 } })));
      },
    },
  });
  const detached = await fleetwire(target, ...runArgs, "--detach");
  expect([detached.code, detached.stdout]).toEqual([0, rolloutId]);
  const picked = await fleetwire(target, ...runArgs, "--pick-one");
  expect([picked.code, picked.stdout, picked.stderr]).toEqual([9, "picked", expect.stringContaining("a7 runs it")]);
});

test("results go on until there are as many as were asked for, over pages that hold fewer", async () => {
  const pages = [[result("a1")], [], [result("a2"), result("a3")]];
  const target = await serve({
    streams: [],
    more: {
      [`GET ${rolloutPath}/results`]: ({ path }, response) => {
        const page = Number(new URL(path, "http://x").searchParams.get("cursor") ?? 0);
        json(response, 200, { items: pages[page], nextCursor: String(page + 1) });
      },
    },
  });
  const args = ["rollout", "results", rolloutId, "--status", "failed,timeout", "--exit-code", "1", "--text", "n&o"];
  const { code, stdout, stderr } = await fleetwire(target, ...args, "--limit", "3");
  expect([code, stderr]).toEqual([0, "more: --cursor 3"]);
  expect(stdout.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["AGENT", "a1", "a2", "a3"]);
  expect(target.requests.map(({ path }) => path.split("?")[1])).toEqual([
    "status=failed&status=timeout&exitCode=1&text=n%26o&limit=3",
    "status=failed&status=timeout&exitCode=1&text=n%26o&limit=2&cursor=1",
    "status=failed&status=timeout&exitCode=1&text=n%26o&limit=2&cursor=2",
  ]);
});

test("results --group shows the groups that are asked for", async () => {
  const groups = [group, { ...group, status: "failed", exitCode: 2, count: 1, output: "", outputBytes: 0 }];
  const target = await serve({ streams: [], groups });
  const shown = await fleetwire(target, "rollout", "results", rolloutId, "--group", "--exit-code", "2");
  expect(shown.stdout).toBe("1 agent  failed with exit code 2  a1\n  (no output)");
  const whole = await fleetwire(target, "--json", "rollout", "results", rolloutId, "--group");
  expect(JSON.parse(whole.stdout)).toEqual(groups);
});

test("stop and retry tell what came of it", async () => {
  const final = rollout("stopped", { completed: 1, assigned: 1, cancelled: 2 });
  const target = await serve({
    streams: [],
    more: {
      [`POST ${rolloutPath}/stop`]: (_request, response) => json(response, 200, final),
      [`POST ${rolloutPath}/retry`]: (_request, response) =>
        json(response, 202, { rolloutId: "again", status: "running", targets: 2, unable: 1 }),
    },
  });
  const stopped = await fleetwire(target, "rollout", "stop", rolloutId, "--cancel-running");
  expect([stopped.code, stopped.stdout]).toEqual([0, `${rolloutId}  stopped`]);
  expect(stopped.stderr).toContain("1 of 4 completed, 2 cancelled, 1 running");
  expect(target.requests[0]?.body).toBe('{"cancelRunning":true}');
  const again = await fleetwire(target, "rollout", "retry", rolloutId, "--detach");
  expect([again.code, again.stdout, again.stderr]).toEqual([
    0,
    "again",
    "fleetwire: rollout again for 2 agents; 1 more can't run it",
  ]);
});

test.each([
  [["uptime"], /whom is it for/],
  [["--online", "uptime"], /whom is it for/],
  [["--all", "--fleet", "edge", "uptime"], /--all is for/],
  [["--fleet", "edge"], /what is to run/],
  [["--label", "x", "uptime"], /isn't key=value/],
  [["--label", "a=1", "--label", "a=2", "uptime"], /given twice/],
  [["--fleet", "edge", "--max-concurrency", "0", "uptime"], /1 to 100000/],
  [["--fleet", "edge", "--agent", "a1", "uptime"], /unknown option/],
])("rollout run %j is refused with exit code 64 before anything is sent", async (args, words) => {
  const target = await serve({ streams: [] });
  const { code, stdout, stderr } = await fleetwire(target, "rollout", "run", ...args);
  expect([code, stdout, stderr, target.requests]).toEqual([64, "", expect.stringMatching(words), []]);
});
