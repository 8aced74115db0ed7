import type { TestProcess } from "@fleetwire/testbed";
import { startLightFleet, type LightFleetProcess } from "@fleetwire/e2e/light-fleet";
import { cpuSecondsOf, startChild, type Child } from "../children.ts";
import type { BenchOptions } from "../options.ts";
import { figure, machine, median, type Figure } from "../report.ts";
import type { EchoAnswer } from "./echo-client.ts";
import type { FloodAnswer, IdleAnswer } from "./load.ts";
import { startRealAgents } from "../real-agents.ts";
import { startSystem, type System } from "./system.ts";

const ping = { type: "PING" };
const shell = { type: "SHELL", command: "true" };
const lightAgents = 100;
const connections = 64;
// Idle: one at a time, with a pause that lets the processors rest, as between two commands of an operator.
const pauseMs = 10;

/**
 * Commands over gRPC on embedded PostgreSQL, the feed on. Ours and the ceiling (a bare grpc-js echo over as many streams)
 * alternate in each round; a figure is the median of the rounds.
 */
export async function commandsSuite({ root, quick, say }: BenchOptions): Promise<Figure[]> {
  const rounds = quick ? 3 : 5;
  const realAgents = quick ? 20 : 100;
  const conditions = {
    ...machine(root),
    store: "embedded PostgreSQL 18, fsync and synchronous_commit on",
    feed: "on",
    rounds,
  };
  const rows: Figure[] = [];

  say("bare echo and light agents…");
  const system = await startSystem(root);
  const [echoServer, echoClient, load] = ["echo-server", "echo-client", "load"].map((name) =>
    startChild(`./commands/${name}.ts`),
  ) as [Child, Child, Child];
  const light = startLightFleet();
  const { port } = await echoServer.ask<{ port: number }>({});
  await connectLight(light, system, lightAgents, "light-");
  const target = { url: system.url, grpc: system.grpc, token: system.token, agentIds: names("light-", lightAgents) };

  await load.ask({ kind: "flood", ...target, body: ping, count: 2_000, connections }); // warm-up
  const idle: IdleAnswer[] = [];
  const flood: (FloodAnswer & Cpu)[] = [];
  const echoIdle: EchoAnswer[] = [];
  const echo: EchoAnswer[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    echoIdle.push(await echoClient.ask({ port, streams: 1, messages: quick ? 150 : 400, pauseMs }));
    idle.push(await load.ask({ kind: "idle", ...target, body: ping, count: quick ? 150 : 400, pauseMs }));
    echo.push(await echoClient.ask({ port, streams: lightAgents, messages: quick ? 10_000 : 40_000, pauseMs: 0 }));
    flood.push(
      await withCpu(system, load, [light.pid], () =>
        load.ask<FloodAnswer>({ kind: "flood", ...target, body: ping, count: quick ? 4_000 : 10_000, connections }),
      ),
    );
  }
  rows.push(
    figure({
      figure: "PING idle, POST sent → result watched, p50",
      ours: median(idle.map((r) => r.p50Ms)),
      peer: median(echoIdle.map((r) => r.p50Ms)),
      unit: "ms",
      goal: "≤ 8",
      conditions: { ...conditions, peer: "bare grpc-js echo, one stream", agents: "light, 100 streams in one process" },
    }),
    figure({ figure: "PING idle, p99", ours: median(idle.map((r) => r.p99Ms)), unit: "ms", goal: "≤ 40", conditions }),
    figure({
      figure: "PING end to end, 100 agents, 64 connections",
      ours: median(flood.map((r) => r.perSecond)),
      peer: median(echo.map((r) => r.perSecond)),
      unit: "1/s",
      goal: "≥ 1000",
      conditions: {
        ...conditions,
        peer: "bare grpc-js echo, 100 streams",
        agents: "light, 100 streams in one process",
        failed: sum(flood.map((r) => r.failed)),
        ...cpuShares(flood),
      },
    }),
  );
  await light.stop();

  say(`${realAgents} real agents…`);
  const agents = await startRealAgents(root, system, realAgents, 4);
  const real = { ...target, agentIds: names("real-", realAgents) };
  const pids = agents.map((agent) => agent.pid);
  const realIdle: IdleAnswer[] = [];
  const realPing: (FloodAnswer & Cpu)[] = [];
  const realShell: (FloodAnswer & Cpu)[] = [];
  const shellIdle: IdleAnswer[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    realIdle.push(await load.ask({ kind: "idle", ...real, body: ping, count: 100, pauseMs }));
    shellIdle.push(await load.ask({ kind: "idle", ...real, body: shell, count: 50, pauseMs }));
    realPing.push(
      await withCpu(system, load, pids, () =>
        load.ask<FloodAnswer>({ kind: "flood", ...real, body: ping, count: quick ? 2_000 : 5_000, connections }),
      ),
    );
    realShell.push(
      await withCpu(system, load, pids, () =>
        load.ask<FloodAnswer>({ kind: "flood", ...real, body: shell, count: quick ? 1_000 : 3_000, connections }),
      ),
    );
  }
  const realConditions = { ...conditions, agents: `${realAgents} real agent processes` };
  rows.push(
    figure({
      figure: `PING idle, ${realAgents} real agents, p50`,
      ours: median(realIdle.map((r) => r.p50Ms)),
      unit: "ms",
      goal: null,
      conditions: realConditions,
    }),
    figure({
      figure: `SHELL true, idle, ${realAgents} real agents, p50`,
      ours: median(shellIdle.map((r) => r.p50Ms)),
      unit: "ms",
      goal: null,
      conditions: realConditions,
    }),
    figure({
      figure: `PING end to end, ${realAgents} real agents`,
      ours: median(realPing.map((r) => r.perSecond)),
      unit: "1/s",
      goal: null,
      conditions: { ...realConditions, ...cpuShares(realPing) },
    }),
    figure({
      figure: `SHELL true end to end, ${realAgents} real agents`,
      ours: median(realShell.map((r) => r.perSecond)),
      unit: "1/s",
      goal: null,
      conditions: { ...realConditions, failed: sum(realShell.map((r) => r.failed)), ...cpuShares(realShell) },
    }),
  );
  await stopAgents(agents);
  await system.close();

  rows.push(await pollAlone(root, load, conditions, say));
  await Promise.all([echoClient.stop(), echoServer.stop(), load.stop()]);
  return rows;
}

/** The safety net by itself: wake-ups off, so that each command waits for the next poll. */
async function pollAlone(
  root: string,
  load: Child,
  conditions: Figure["conditions"],
  say: (line: string) => void,
): Promise<Figure> {
  say("the poll alone…");
  const system = await startSystem(root, { COMMAND_WAKEUP: "false" });
  const light = startLightFleet();
  await connectLight(light, system, 1, "polled-");
  const answer = await load.ask<IdleAnswer>({
    kind: "idle",
    url: system.url,
    grpc: system.grpc,
    token: system.token,
    agentIds: names("polled-", 1),
    body: ping,
    count: 12,
    pauseMs,
  });
  await light.stop();
  await system.close();
  return figure({
    figure: "PING idle, wake-up off (poll every 5 s), p50",
    ours: answer.p50Ms,
    unit: "ms",
    goal: null,
    conditions: { ...conditions, commands: 12 },
  });
}

/** Agents with a connection each, as real ones have. */
async function connectLight(light: LightFleetProcess, system: System, count: number, prefix: string): Promise<void> {
  const joinToken = await system.joinToken(count);
  const fleet = await light.add({ addresses: [system.grpc], joinToken, count, prefix, streamsPerChannel: 1 });
  await fleet.connected(count);
}

interface Cpu {
  cpu: { server: number; load: number; agents: number; seconds: number };
}

async function withCpu<T>(
  system: System,
  load: Child,
  agents: readonly number[],
  run: () => Promise<T>,
): Promise<T & Cpu> {
  const read = () => ({
    server: system.serverCpuSeconds(),
    load: load.cpuSeconds(),
    agents: sum(agents.map(cpuSecondsOf)),
  });
  const before = read();
  const began = performance.now();
  const answer = await run();
  const after = read();
  const seconds = (performance.now() - began) / 1000;
  const used = (part: "server" | "load" | "agents") => after[part] - before[part];
  return { ...answer, cpu: { server: used("server"), load: used("load"), agents: used("agents"), seconds } };
}

/** Cores used by each side, as shares of one core. */
function cpuShares(runs: readonly Cpu[]): Record<string, string> {
  const share = (part: "server" | "load" | "agents") =>
    `${Math.round(100 * median(runs.map(({ cpu }) => cpu[part] / cpu.seconds)))} % of a core`;
  return { serverCpu: share("server"), loadCpu: share("load"), agentsCpu: share("agents") };
}

async function stopAgents(agents: readonly TestProcess[]): Promise<void> {
  await Promise.all(agents.map((agent) => agent.kill9Group()));
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
