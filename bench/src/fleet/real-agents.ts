import { startRealAgents } from "../real-agents.ts";
import { startChild } from "../children.ts";
import type { FloodAnswer, IdleAnswer } from "../commands/load.ts";
import { figure, median, type Figure } from "../report.ts";
import { connections, targetOf, type SectionOptions } from "./hundred-agents.ts";
import { startSystem } from "./system.ts";

const pauseMs = 10;
const slots = 4;
const ping = { type: "PING" };
const shell = { type: "SHELL", command: "true" };

/** Agents as they are, a process and a ledger each: what two cores are busy with then is agents. */
export async function realAgents({ root, kind, quick, rounds, conditions, say }: SectionOptions): Promise<Figure[]> {
  const count = quick ? 10 : 20;
  say(`${kind}: starting ${count} real agents`);
  const system = await startSystem(root, kind);
  const load = startChild(new URL("../commands/load.ts", import.meta.url));
  const grpc = system.servers[0]?.grpc ?? "";
  const agents = await startRealAgents(root, { grpc, joinToken: (uses) => system.joinToken(uses) }, count, slots);
  const target = targetOf(system, "real-", count);
  const idle: IdleAnswer[] = [];
  const pings: FloodAnswer[] = [];
  const shells: FloodAnswer[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    say(`${kind}, ${count} real agents: round ${round} of ${rounds}`);
    idle.push(await load.ask({ kind: "idle", ...target, body: ping, count: 100, pauseMs }));
    pings.push(await load.ask({ kind: "flood", ...target, body: ping, count: 3_000, connections }));
    shells.push(await load.ask({ kind: "flood", ...target, body: shell, count: 1_000, connections }));
  }
  await Promise.all(agents.map((agent) => agent.kill9Group()));
  await load.stop();
  await system.close();
  const told = {
    ...conditions,
    store: system.storeName,
    agents: `${count} processes of apps/agent, ${slots} slots each`,
  };
  const failed = [...pings, ...shells].reduce((sum, run) => sum + run.failed, 0);
  return [
    figure({
      figure: `${kind}: PING idle, ${count} real agents, p50`,
      ours: median(idle.map(({ p50Ms }) => p50Ms)),
      unit: "ms",
      goal: null,
      conditions: told,
    }),
    figure({
      figure: `${kind}: PING end to end, ${count} real agents`,
      ours: median(pings.map(({ perSecond }) => perSecond)),
      unit: "1/s",
      goal: null,
      conditions: { ...told, failed },
    }),
    figure({
      figure: `${kind}: SHELL \`true\` end to end, ${count} real agents`,
      ours: median(shells.map(({ perSecond }) => perSecond)),
      unit: "1/s",
      goal: null,
      conditions: { ...told, failed },
    }),
  ];
}
