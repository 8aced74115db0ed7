import { setTimeout as sleep } from "node:timers/promises";
import { startLightFleet } from "@fleetwire/e2e/light-fleet";
import { figure, median, type Figure } from "../report.ts";
import { operatorApi } from "./api.ts";
import type { SectionOptions } from "./hundred-agents.ts";
import { startSystem } from "./system.ts";

const agents = 10_000;
const streamsPerChannel = 100;
const labels = { bench: "all" };
/** After the herd has come in: what is measured is the idle server, not the greeting. */
const settleMs = 20_000;

/** Ten thousand agents on one server: what they cost, how long all of them take to answer, and to come back. */
export async function tenThousandAgents({ root, kind, rounds, conditions, say }: SectionOptions): Promise<Figure[]> {
  say(`${kind}, 10,000 agents: enrolling`);
  const system = await startSystem(root, kind);
  const [server] = system.servers;
  if (server === undefined) throw new Error("a system has at least one server");
  const told = {
    ...conditions,
    store: system.storeName,
    agents: `10,000 light in one process, ${streamsPerChannel} streams a connection`,
  };
  const process = startLightFleet();
  const began = performance.now();
  const joinToken = await system.joinToken(agents);
  const fleet = await process.add({
    addresses: [server.grpc],
    joinToken,
    count: agents,
    prefix: "many-",
    streamsPerChannel,
    labels,
  });
  await fleet.connected(agents, 300_000);
  const enrolledMs = performance.now() - began;
  await sleep(settleMs);
  const memory = server.memory();

  const api = operatorApi(server.url, system.token);
  const rollouts = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${kind}, 10,000 agents: rollout ${round} of ${rounds}`);
    const rollout = await api.rollout(labels);
    if (rollout.completed !== agents) throw new Error(`${rollout.completed} of ${rollout.targets} answered`);
    rollouts.push(rollout.tookMs / 1000);
  }
  const busyMemory = server.memory();

  const back: number[] = [];
  const refused: number[] = [];
  for (let round = 1; round <= Math.min(rounds, 3); round += 1) {
    say(`${kind}, 10,000 agents: server restart ${round}`);
    const before = await fleet.stats();
    await server.restart();
    const ready = Date.now();
    const seen = await until(async () => {
      const now = await fleet.stats();
      return now.connected >= agents && now.welcomes >= before.welcomes + agents ? now : null;
    }, 180_000);
    back.push(Math.max(0, seen.lastWelcomeAt - ready) / 1000);
    refused.push(seen.dismissed);
    await sleep(3_000);
  }
  await process.stop();
  await system.close();

  return [
    figure({
      figure: `${kind}: 10,000 agents, memory of the server`,
      ours: memory / 1e6,
      unit: "MB",
      goal: "≤ 700",
      conditions: {
        ...told,
        enrolledAndConnectedSeconds: Math.round(enrolledMs / 1000),
        afterRolloutsMB: Math.round(busyMemory / 1e6),
      },
    }),
    figure({
      figure: `${kind}: one rollout of PING that all 10,000 answer`,
      ours: median(rollouts),
      unit: "s",
      goal: kind === "valkey" ? "≤ 5" : "≤ 15",
      conditions: told,
    }),
    figure({
      figure: `${kind}: 10,000 agents back after a server restart, from ready on`,
      ours: median(back),
      unit: "s",
      goal: "≤ 60",
      conditions: { ...told, refusedForGood: Math.max(...refused) },
    }),
  ];
}

async function until<T>(look: () => Promise<T | null>, deadlineMs: number): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > giveUpAt) throw new Error("the agents aren't back in time");
    await sleep(50);
  }
}
