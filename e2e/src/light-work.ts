import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createLedger, eventually, type Ledger } from "@fleetwire/testbed";
import type { Operator } from "./operator.ts";

/** Commands for light agents, and the ledger that decides what became of them. It knows them by the ids that the server gave. */
export interface LightWork {
  readonly ledger: Ledger;
  /** Where light agents leave the id of each command that they carry out: `effects` of their fleet. */
  readonly effects: string;
  readonly commandIds: readonly string[];
  /**
   * Queues a command. Where the answer doesn't come or says that the server can't now, asks again under the same
   * idempotency key, each time another of the operators: in the end it is known which command it is.
   */
  queue(agentId: string, body?: Record<string, unknown>): Promise<string>;
  /** Queues the same for each of these agents, some at a time. */
  queueEach(agentIds: readonly string[], body: Record<string, unknown>): Promise<void>;
  /** Starts a rollout; resolves to its id, and how many agents it is for. Its commands are found when `settle` judges. */
  rollout(body: Record<string, unknown>): Promise<{ rolloutId: string; targets: number }>;
  /** Waits until every command that the system still knows has ended, and tells the ledger. Resolves to how many ended in each way. */
  collect(deadlineMs: number): Promise<Record<string, number>>;
  /** Waits until every command has ended, and lets the ledger judge. Resolves to how many ended in each way. */
  settle(deadlineMs: number): Promise<Record<string, number>>;
}

const tries = 60;
const queueingAtOnce = 30;

/**
 * @param operators who ask; the first that answers is believed.
 * @param folder where the effects are.
 */
export function createLightWork(operators: readonly Operator[], folder: string): LightWork {
  const ledger = createLedger();
  const effects = ledger.effectFile(folder);
  const commandIds: string[] = [];
  const rollouts: { rolloutId: string; targets: number }[] = [];

  async function anyOf<T>(ask: (operator: Operator) => Promise<T>): Promise<T> {
    let failure: unknown;
    for (const operator of operators) {
      try {
        return await ask(operator);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async function queue(agentId: string, body: Record<string, unknown> = { command: "true" }): Promise<string> {
    const request = { agentId, idempotencyKey: randomUUID(), ...body };
    for (let tried = 0; ; tried += 1) {
      try {
        const commandId = await (operators[tried % operators.length] as Operator).queue(request);
        ledger.attempted(commandId);
        ledger.confirmed(commandId);
        commandIds.push(commandId);
        return commandId;
      } catch (error) {
        if (tried === tries) throw error;
        await sleep(Math.random() * Math.min(1_000, 50 * 2 ** tried));
      }
    }
  }

  async function queueEach(agentIds: readonly string[], body: Record<string, unknown>): Promise<void> {
    const waiting = agentIds.toReversed();
    const client = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await queue(next, body);
    };
    await Promise.all(Array.from({ length: queueingAtOnce }, client));
  }

  async function rollout(body: Record<string, unknown>): Promise<{ rolloutId: string; targets: number }> {
    const begun = await anyOf((operator) => operator.rollout({ idempotencyKey: randomUUID(), ...body }));
    rollouts.push(begun);
    return begun;
  }

  /** What was confirmed with a rollout is a command for each of its targets. */
  async function accountRollout({ rolloutId, targets }: { rolloutId: string; targets: number }): Promise<void> {
    let found = 0;
    let cursor: string | null = null;
    do {
      const query: string = `limit=500${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await anyOf((operator) => operator.rolloutResults(rolloutId, query));
      for (const { commandId } of page.items) {
        ledger.attempted(commandId);
        ledger.confirmed(commandId);
        commandIds.push(commandId);
      }
      found += page.items.length;
      cursor = page.nextCursor;
    } while (cursor !== null);
    if (found !== targets) throw new Error(`rollout ${rolloutId} has ${found} results for ${targets} targets`);
  }

  const endedAll = (): Promise<boolean> =>
    anyOf(async (operator) => (await operator.list("status=queued&status=assigned&limit=1")).items.length === 0);

  async function collect(deadlineMs: number): Promise<Record<string, number>> {
    await eventually(endedAll, { deadlineMs, intervalMs: 250, what: "every command to end" });
    for (const begun of rollouts.splice(0)) await accountRollout(begun);
    const counts: Record<string, number> = {};
    const ours = new Set(commandIds);
    let cursor: string | null = null;
    do {
      const query: string = `limit=500${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await anyOf((operator) => operator.list(query));
      for (const { commandId, status } of page.items) {
        if (!ours.has(commandId)) continue;
        ledger.received(commandId, status);
        counts[status] = (counts[status] ?? 0) + 1;
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    return counts;
  }

  async function settle(deadlineMs: number): Promise<Record<string, number>> {
    const counts = await collect(deadlineMs);
    ledger.assertNothingLostNothingTwice();
    return counts;
  }

  return { ledger, effects, commandIds, queue, queueEach, rollout, collect, settle };
}

/** The ids of the first agents of a light fleet. */
export function agentIds(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}
