import { startLightFleet } from "@fleetwire/e2e/light-fleet";
import { startChild, cpuSecondsOf, type Child } from "../children.ts";
import type { EchoAnswer } from "../commands/echo-client.ts";
import type { FloodAnswer, IdleAnswer } from "../commands/load.ts";
import { figure, median, type Figure } from "../report.ts";
import type { EvalshaAnswer } from "./evalsha.ts";
import { startSystem, type BenchSystem, type StoreKind } from "./system.ts";

export interface SectionOptions {
  root: string;
  kind: StoreKind;
  quick: boolean;
  rounds: number;
  conditions: Figure["conditions"];
  say: (line: string) => void;
}

const agents = 100;
/** HTTP connections of a load. */
export const connections = 64;
const pauseMs = 10;
const ping = { type: "PING" };
const goals = {
  valkey: { idle: "≤ 4", idle99: "≤ 20", flood: "≥ 3000" },
  postgres: { idle: "≤ 8", idle99: "≤ 40", flood: "≥ 1000" },
};

/** What an operator feels, and how much goes through: 100 light agents with a connection each, one server and two. */
export async function hundredAgents(o: SectionOptions): Promise<Figure[]> {
  const { kind, quick, rounds, say } = o;
  const goal = goals[kind];
  const one = await startSystem(o.root, kind);
  const conditions = { ...o.conditions, store: one.storeName, agents: "100 light, a connection each, in one process" };
  const fleet = startLightFleet();
  const [load, echoServer, echoClient, evalsha] = [
    "../commands/load.ts",
    "../commands/echo-server.ts",
    "../commands/echo-client.ts",
    "./evalsha.ts",
  ].map((entry) => startChild(new URL(entry, import.meta.url))) as [Child, Child, Child, Child];
  const { port } = await echoServer.ask<{ port: number }>({});
  const join = async (system: BenchSystem): Promise<void> => {
    const addresses = system.servers.map(({ grpc }) => grpc);
    const joinToken = await system.joinToken(agents);
    const added = await fleet.add({ addresses, joinToken, count: agents, prefix: "light-", streamsPerChannel: 1 });
    await added.connected(agents);
    await load.ask({ kind: "flood", ...targetOf(system), body: ping, count: 4_000, connections }); // warm-up
  };
  await join(one);

  const idle: IdleAnswer[] = [];
  const watched: IdleAnswer[] = [];
  const floods: Measured[] = [];
  const twoFloods: Measured[] = [];
  const echoIdle: EchoAnswer[] = [];
  const echo: EchoAnswer[] = [];
  const bare: EvalshaAnswer[] = [];
  const count = quick ? 5_000 : 15_000;
  for (let round = 1; round <= rounds; round += 1) {
    say(`${kind}, 100 agents: round ${round} of ${rounds}`);
    echoIdle.push(await echoClient.ask({ port, streams: 1, messages: quick ? 150 : 400, pauseMs }));
    const idleLoad = { kind: "idle", ...targetOf(one), body: ping, count: quick ? 150 : 400, pauseMs };
    idle.push(await load.ask({ ...idleLoad, over: "http" }));
    watched.push(await load.ask({ ...idleLoad, over: "grpc" }));
    echo.push(await echoClient.ask({ port, streams: agents, messages: quick ? 10_000 : 40_000, pauseMs: 0 }));
    floods.push(await flood(one, load, fleet.pid, count));
    if (kind === "valkey")
      bare.push(await evalsha.ask({ url: one.storeUrl, calls: quick ? 20_000 : 100_000, concurrency: 500 }));
  }
  // Only now: servers that stand by take their share of two cores.
  const two = await startSystem(o.root, kind, { servers: 2 });
  await join(two);
  const oneFloods: Measured[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${kind}, one server and two: round ${round} of ${rounds}`);
    oneFloods.push(await flood(one, load, fleet.pid, count));
    twoFloods.push(await flood(two, load, fleet.pid, count));
  }
  await fleet.stop();
  await Promise.all([load, echoServer, echoClient, evalsha].map((child) => child.stop()));
  await Promise.all([one.close(), two.close()]);

  const flat = { ...conditions, ...sharesOf(floods) };
  return [
    figure({
      figure: `${kind}: PING idle, POST sent → result on its event stream, p50`,
      ours: median(idle.map((each) => each.p50Ms)),
      peer: median(echoIdle.map((each) => each.p50Ms)),
      unit: "ms",
      goal: goal.idle,
      conditions: { ...conditions, peer: "bare grpc-js echo, one stream" },
    }),
    figure({
      figure: `${kind}: PING idle, p99`,
      ours: median(idle.map((each) => each.p99Ms)),
      unit: "ms",
      goal: goal.idle99,
      conditions,
    }),
    figure({
      figure: `${kind}: PING idle, the result by WatchCommand over gRPC, p50`,
      ours: median(watched.map((each) => each.p50Ms)),
      unit: "ms",
      goal: null,
      conditions: { ...conditions, p99: `${median(watched.map((each) => each.p99Ms)).toFixed(1)} ms` },
    }),
    figure({
      figure: `${kind}: PING end to end, 100 agents, 64 connections`,
      ours: median(floods.map((each) => each.perSecond)),
      peer: median(echo.map((each) => each.perSecond)),
      unit: "1/s",
      goal: goal.flood,
      conditions: { ...flat, peer: "bare grpc-js echo, 100 streams" },
    }),
    figure({
      figure: `${kind}: the same with two servers, against one`,
      ours: median(twoFloods.map((each) => each.perSecond)),
      peer: median(oneFloods.map((each) => each.perSecond)),
      unit: "1/s",
      goal: null,
      conditions: { ...conditions, ...sharesOf(twoFloods), peer: "one server" },
    }),
    ...(bare.length === 0
      ? []
      : [
          figure({
            figure: "valkey: commands per second, against bare EVALSHA (HSET + XADD, 500 at once)",
            ours: median(floods.map((each) => each.perSecond)),
            peer: median(bare.map((each) => each.perSecond)),
            unit: "1/s",
            goal: null,
            conditions: { ...conditions, peer: "bare EVALSHA; a command takes two scripts" },
          }),
        ]),
  ];
}

/** Where a load goes. */
export function targetOf(system: BenchSystem, prefix = "light-", count = agents) {
  const [first, ...more] = system.servers;
  if (first === undefined) throw new Error("a system has at least one server");
  const agentIds = Array.from({ length: count }, (_, n) => `${prefix}${n}`);
  return { url: first.url, moreUrls: more.map(({ url }) => url), grpc: first.grpc, token: system.token, agentIds };
}

export interface Measured extends FloodAnswer {
  cpu: { servers: number; load: number; agents: number; store: number };
}

/** A flood, and the cores that each side used, as shares of one. */
export async function flood(
  system: BenchSystem,
  load: Child,
  agentsPid: number,
  count: number,
  target: ReturnType<typeof targetOf> = targetOf(system),
): Promise<Measured> {
  const read = () => ({
    servers: system.servers.reduce((sum, server) => sum + server.cpuSeconds(), 0),
    load: load.cpuSeconds(),
    agents: cpuSecondsOf(agentsPid),
    store: system.storeCpuSeconds(),
  });
  const before = read();
  const began = performance.now();
  const answer = await load.ask<FloodAnswer>({ kind: "flood", ...target, body: ping, count, connections });
  const seconds = (performance.now() - began) / 1000;
  const after = read();
  const share = (side: keyof typeof before) => (after[side] - before[side]) / seconds;
  return {
    ...answer,
    cpu: { servers: share("servers"), load: share("load"), agents: share("agents"), store: share("store") },
  };
}

export function sharesOf(runs: readonly Measured[]): Record<string, string | number> {
  const share = (side: keyof Measured["cpu"]) =>
    `${Math.round(100 * median(runs.map(({ cpu }) => cpu[side])))} % of a core`;
  return {
    serversCpu: share("servers"),
    loadCpu: share("load"),
    agentsCpu: share("agents"),
    storeCpu: share("store"),
    failed: runs.reduce((sum, { failed }) => sum + failed, 0),
  };
}
