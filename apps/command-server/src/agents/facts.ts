import type { Logger } from "@fleetwire/service";
import type { JsonObject } from "../commands/command.ts";
import type { CommandStore, StoredOutput } from "../store/command-store.ts";
import { readJsonObject } from "./profile.ts";

const maxFactsBytes = 256 * 1024;
const maxFactsDepth = 32;

/** An agent's facts; null for what isn't a JSON object of at most 256 KiB and 32 levels. */
export function readFacts(json: string): JsonObject | null {
  return readJsonObject(json, maxFactsBytes, maxFactsDepth);
}

/**
 * Keeps what a completed FACTS command printed as the agent's facts: only when it is stored whole, is a JSON object,
 * and not larger than 256 KiB. A command of another type is left alone.
 */
export async function storeFacts(o: {
  agentId: string;
  companyId: string;
  commandId: string;
  store: CommandStore;
  log: Logger;
}): Promise<void> {
  const { agentId, companyId, commandId, store, log } = o;
  const command = await store.get(companyId, commandId);
  if (command?.type !== "FACTS") return;
  const output = await store.readOutput(companyId, commandId, 0, maxFactsBytes);
  const text = output && wholeStdout(output);
  const facts = text ? readFacts(text) : null;
  if (facts) await store.putFacts(agentId, facts);
  else log.warn({ agentId, commandId }, "facts that aren't a whole JSON object within 256 KiB were left out");
}

/** What was printed on stdout; null when a part of the output isn't kept. */
function wholeStdout(output: StoredOutput): string | null {
  if (output.truncated || output.next !== null || output.end > maxFactsBytes) return null;
  const stored = output.pieces.reduce((sum, piece) => sum + piece.data.length, 0);
  if (stored !== output.end) return null;
  const stdout = output.pieces.filter((piece) => piece.stream === "stdout").map((piece) => piece.data);
  return Buffer.concat(stdout).toString("utf8");
}
