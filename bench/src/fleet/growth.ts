import { startLightFleet } from "@fleetwire/e2e/light-fleet";
import { startChild } from "../children.ts";
import type { IdleAnswer } from "../commands/load.ts";
import { figure, median, type Figure } from "../report.ts";
import { flood, sharesOf, targetOf, type Measured, type SectionOptions } from "./hundred-agents.ts";
import { storeEnded } from "./stored.ts";
import { startSystem, type BenchSystem } from "./system.ts";

const few = 1_000;
const many = 1_000_000;
const pauseMs = 10;

/** Two stores, one with 1 k ended commands and one with 1 M, measured in turn: the cost of a command mustn't grow. */
export async function growth({ root, kind, rounds, conditions, say }: SectionOptions): Promise<Figure[]> {
  const fleet = startLightFleet();
  const load = startChild(new URL("../commands/load.ts", import.meta.url));
  const open = async (stored: number): Promise<BenchSystem> => {
    say(`${kind}: storing ${stored} commands`);
    const system = await startSystem(root, kind);
    const joinToken = await system.joinToken(100);
    const addresses = system.servers.map(({ grpc }) => grpc);
    const added = await fleet.add({ addresses, joinToken, count: 100, prefix: "light-", streamsPerChannel: 1 });
    await added.connected(100);
    await load.ask({ kind: "flood", ...targetOf(system), body: { type: "PING" }, count: 2_000, connections: 64 });
    await storeEnded(system, await anEnded(system), stored);
    return system;
  };
  const [small, large] = [await open(few), await open(many)];
  const seen = { small: [] as Measured[], large: [] as Measured[] };
  const idle = { small: [] as IdleAnswer[], large: [] as IdleAnswer[] };
  for (let round = 1; round <= rounds; round += 1) {
    say(`${kind}, 1 k against 1 M stored: round ${round} of ${rounds}`);
    for (const [name, system] of [
      ["small", small],
      ["large", large],
    ] as const) {
      idle[name].push(
        await load.ask({ kind: "idle", ...targetOf(system), body: { type: "PING" }, count: 200, pauseMs }),
      );
      seen[name].push(await flood(system, load, fleet.pid, 8_000));
    }
  }
  await fleet.stop();
  await load.stop();
  const told = { ...conditions, store: small.storeName };
  await small.close();
  await large.close();
  return [
    figure({
      figure: `${kind}: CPU of server and store per command, 1 M stored against 1 k`,
      ours: perCommand(seen.large),
      peer: perCommand(seen.small),
      unit: "µs",
      goal: null,
      conditions: { ...told, ...sharesOf(seen.large), peer: "1 k stored" },
    }),
    figure({
      figure: `${kind}: PING end to end, 1 M stored against 1 k`,
      ours: median(seen.large.map(({ perSecond }) => perSecond)),
      peer: median(seen.small.map(({ perSecond }) => perSecond)),
      unit: "1/s",
      goal: null,
      conditions: { ...told, peer: "1 k stored" },
    }),
    figure({
      figure: `${kind}: PING idle p50, 1 M stored against 1 k`,
      ours: median(idle.large.map(({ p50Ms }) => p50Ms)),
      peer: median(idle.small.map(({ p50Ms }) => p50Ms)),
      unit: "ms",
      goal: null,
      conditions: { ...told, peer: "1 k stored" },
    }),
  ];
}

/** Microseconds of CPU. */
const perCommand = (runs: Measured[]) =>
  median(runs.map(({ perSecond, cpu }) => (1e6 * (cpu.servers + cpu.store)) / perSecond));

/** Any command that has ended. */
export async function anEnded(system: BenchSystem): Promise<string> {
  const response = await fetch(`${system.servers[0]?.url}/commands?status=completed&limit=1`, {
    headers: { authorization: `Bearer ${system.token}` },
  });
  const { items } = (await response.json()) as { items: { commandId: string }[] };
  const [first] = items;
  if (first === undefined) throw new Error("no command has ended");
  return first.commandId;
}
