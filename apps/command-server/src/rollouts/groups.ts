import { createHash } from "node:crypto";
import { isTerminal, type CommandStatus } from "../commands/command.ts";
import type { CommandStore, RolloutResult } from "../store/command-store.ts";

/** Outputs are equal when their lengths and their first 64 KiB are. */
const comparedBytes = 64 * 1024;
const sampleBytes = 4 * 1024;
const namedAgents = 10;
const readAtOnce = 100;

export interface RolloutGroup {
  status: CommandStatus;
  exitCode: number | null;
  error: string | null;
  count: number;
  outputBytes: number;
  /** The begin of the output that they have in common. */
  output: Buffer;
  agents: string[];
}

/** What the ended commands of a rollout came to, equal ends together, the largest group first. Holds one sample for each group. */
export async function groupResults(store: CommandStore, companyId: string, rolloutId: string): Promise<RolloutGroup[]> {
  const groups = new Map<string, RolloutGroup>();
  for (let cursor: string | null = null; ;) {
    const query = { companyId, rolloutId, limit: readAtOnce, cursor, outputBytes: comparedBytes };
    const page = await store.rolloutResults(query);
    for (const result of page.items) if (isTerminal(result.command.status)) addTo(groups, result);
    if (page.nextCursor === null) return [...groups.values()].toSorted((a, b) => b.count - a.count);
    cursor = page.nextCursor;
  }
}

function addTo(groups: Map<string, RolloutGroup>, { command, output }: RolloutResult): void {
  const { exitCode = null, error = null, outputBytes = 0 } = command.result ?? {};
  const hash = createHash("sha256").update(output).digest("base64");
  const key = JSON.stringify([command.status, exitCode, error, outputBytes, hash]);
  const group = groups.get(key) ?? {
    status: command.status,
    exitCode,
    error,
    count: 0,
    outputBytes,
    // A copy, so that the rest can be let go.
    output: Buffer.from(output.subarray(0, sampleBytes)),
    agents: [],
  };
  groups.set(key, group);
  group.count += 1;
  if (group.agents.length < namedAgents) group.agents.push(command.agentId);
}
