import { startLightFleet } from "@fleetwire/e2e/light-fleet";
import { Redis } from "ioredis";
import { startChild } from "../children.ts";
import { figure, median, type Figure } from "../report.ts";
import { anEnded } from "./growth.ts";
import { targetOf, type SectionOptions } from "./hundred-agents.ts";
import { storeEnded } from "./stored.ts";
import { startSystem, type BenchSystem } from "./system.ts";

/** A command that has ended is four keys. */
const keysPerCommand = 4;
const few = 1_000 / keysPerCommand;
const many = 1_000_000 / keysPerCommand;

/** From SET by another program until the command is taken in: by walking over few keys and many, and by keyspace events. */
export async function discovery({ root, conditions, say }: SectionOptions): Promise<Figure[]> {
  const fleet = startLightFleet();
  const load = startChild(new URL("../commands/load.ts", import.meta.url));
  const system = await startSystem(root, "valkey");
  const addresses = system.servers.map(({ grpc }) => grpc);
  const added = await fleet.add({
    addresses,
    joinToken: await system.joinToken(1),
    count: 1,
    prefix: "light-",
    streamsPerChannel: 1,
  });
  await added.connected(1);
  await load.ask({ kind: "flood", ...targetOf(system, "light-", 1), body: { type: "PING" }, count: 1, connections: 1 });
  await load.stop();
  const redis = new Redis(system.storeUrl);
  const ended = await anEnded(system);
  const rows: Figure[] = [];
  const measure = async (how: string, rounds: number): Promise<void> => {
    say(`valkey: another program's commands, ${how}`);
    const keys = await redis.dbsize();
    const times = await timesToBeTaken(redis, how, rounds);
    rows.push(
      figure({
        figure: `valkey: another program's command taken in, ${how}`,
        ours: median(times),
        unit: "s",
        goal: null,
        conditions: { ...conditions, store: system.storeName, keys, slowest: `${Math.max(...times).toFixed(2)} s` },
      }),
    );
  };
  await storeEnded(system, ended, few);
  await measure("1 k keys stored, by walking", 10);
  await storeEnded(system, ended, many);
  await measure("1 M keys stored, by walking", 5);
  await redis.config("SET", "notify-keyspace-events", "K$");
  await restart(system);
  await measure("1 M keys stored, by keyspace events", 20);
  redis.disconnect();
  await fleet.stop();
  await system.close();
  return rows;
}

async function timesToBeTaken(redis: Redis, how: string, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const id = `${how.replaceAll(/[^a-z0-9]+/gi, "-").slice(0, 30)}-${round}`;
    const began = performance.now();
    await redis.set(`command:queue:${id}`, JSON.stringify({ agent_id: "light-0", command_type: "PING" }));
    while ((await redis.exists(`command:status:${id}`)) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    times.push((performance.now() - began) / 1000);
  }
  return times;
}

/** A server asks at each round whether events are on; a new one knows from its first on. */
async function restart(system: BenchSystem): Promise<void> {
  for (const server of system.servers) await server.restart();
}
