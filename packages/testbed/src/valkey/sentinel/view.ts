import { type Address, sendCommand } from "../command.ts";
import type { TestValkey } from "../valkey.ts";

/** A set as its sentinels see it. */
export interface View {
  /** What they call it. */
  name: string;
  sentinels: readonly Address[];
}

/** Whether the primary has that many replicas with all of its data so far. */
export async function replicasInStep(primary: TestValkey, count: number): Promise<boolean> {
  const info = String(await primary.command("INFO", "replication"));
  return [...info.matchAll(/^slave\d+:.*state=online/gm)].length === count;
}

/** Whether every sentinel knows the replicas with their links to the primary, and can reach all the other sentinels. */
export async function isComplete({ name, sentinels }: View, replicas: number): Promise<boolean> {
  const complete = sentinels.map(async (sentinel) => {
    const quorum = await sendCommand(sentinel, "SENTINEL", "CKQUORUM", name);
    if (!String(quorum).startsWith(`OK ${sentinels.length} usable`)) return false;
    const known = (await sendCommand(sentinel, "SENTINEL", "REPLICAS", name)) as string[][];
    const inStep = known
      .map(fields)
      .filter((replica) => replica.get("flags") === "slave" && replica.get("master-link-status") === "ok");
    return inStep.length === replicas;
  });
  return (await Promise.all(complete)).every(Boolean);
}

/** The port of the primary that more than half of the sentinels name; undefined when there is none. */
export async function askForPrimary({ name, sentinels }: View): Promise<number | undefined> {
  const answers = await Promise.allSettled(
    sentinels.map((sentinel) => sendCommand(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)),
  );
  const votes = new Map<number, number>();
  for (const answer of answers) {
    if (answer.status === "rejected") continue; // ended or paused
    const port = Number((answer.value as [host: string, port: string])[1]);
    votes.set(port, (votes.get(port) ?? 0) + 1);
  }
  return [...votes].find(([, count]) => count * 2 > sentinels.length)?.[0];
}

/** A flat answer of names and values. */
function fields(flat: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) map.set(flat[at] ?? "", flat[at + 1] ?? "");
  return map;
}
