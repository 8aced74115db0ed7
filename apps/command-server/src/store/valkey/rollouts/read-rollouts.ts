import type { Rollout } from "../../../rollouts/rollout.ts";
import type { ListRollouts, Page, RolloutResult, RolloutResultsQuery, RolloutTarget } from "../../command-store.ts";
import { decodeId, encodeId, refuseCursor, toPage } from "../../pages.ts";
import { readOutput } from "../read-output.ts";
import { parseRecord, parseState, toCommand } from "../record.ts";
import type { Valkey } from "../valkey.ts";
import { readRollouts } from "./rollout-record.ts";

export async function getRollout(valkey: Valkey, companyId: string, rolloutId: string): Promise<Rollout | null> {
  const [rollout] = await readRollouts(valkey, [rolloutId]);
  return rollout?.companyId === companyId ? rollout : null;
}

const perStep = 100;

/** Newest first: ids are UUIDv7. Throws `invalid_cursor`. */
export async function listRollouts(valkey: Valkey, query: ListRollouts): Promise<Page<Rollout>> {
  const { companyId, statuses, limit, cursor } = query;
  let before = cursor === null ? "+" : `(${decodeId(cursor)}`;
  const found: Rollout[] = [];
  for (;;) {
    const index = valkey.keys.rolloutsOf(companyId);
    const ids = await valkey.command<string[]>("ZREVRANGEBYLEX", index, before, "-", "LIMIT", 0, perStep);
    for (const rollout of await readRollouts(valkey, ids)) {
      if (rollout !== null && statuses?.includes(rollout.status) !== false) found.push(rollout);
    }
    if (found.length > limit || ids.length < perStep) return toPage(found, limit, ({ rolloutId }) => rolloutId);
    before = `(${ids.at(-1) ?? ""}`;
  }
}

interface Target {
  position: number;
  agentId: string;
  commandId: string;
}

/** Targets from a position on, and up to which of them commands were queued. Null where the company has no such rollout. */
async function readTargets(
  valkey: Valkey,
  companyId: string,
  rolloutId: string,
  from: number,
  count: number,
): Promise<{ targets: Target[]; next: number } | null> {
  const { keys } = valkey;
  const [company, next] = await valkey.command<(string | null)[]>("HMGET", keys.rollout(rolloutId), "company", "next");
  if (company !== companyId) return null;
  const texts = await valkey.command<string[]>("LRANGE", keys.rolloutTargets(rolloutId), from, from + count - 1);
  const targets = texts.map((text, n) => {
    const [agentId = "", commandId = ""] = text.split("\n");
    return { position: from + n, agentId, commandId };
  });
  return { targets, next: Number(next) };
}

/** Throws `invalid_cursor`. */
export async function rolloutTargets(
  valkey: Valkey,
  query: { companyId: string; rolloutId: string; limit: number; cursor: string | null },
): Promise<Page<RolloutTarget>> {
  const { companyId, rolloutId, limit, cursor } = query;
  const read = await readTargets(valkey, companyId, rolloutId, positionOf(cursor) + 1, limit + 1);
  if (read === null || read.targets.length === 0) return { items: [], nextCursor: null };
  const states = await statesOf(valkey, read.targets);
  const page = toPage(read.targets, limit, ({ position }) => String(position));
  return {
    items: page.items.map(({ position, agentId, commandId }, n): RolloutTarget => {
      const state = states[n] ?? null;
      const status = position >= read.next ? "pending" : (state?.status ?? "removed");
      return { agentId, commandId, status, error: state?.error ?? null };
    }),
    nextCursor: page.nextCursor,
  };
}

/** The targets' commands in order: a page costs what it shows and what its filters skip. Throws `invalid_cursor`. */
export async function rolloutResults(valkey: Valkey, query: RolloutResultsQuery): Promise<Page<RolloutResult>> {
  const { companyId, rolloutId, statuses, exitCode, agentId, limit, outputBytes } = query;
  let from = positionOf(query.cursor) + 1;
  const found: { position: number; result: RolloutResult }[] = [];
  for (;;) {
    const read = await readTargets(valkey, companyId, rolloutId, from, perStep);
    const queued = read?.targets.filter(({ position }) => position < read.next) ?? [];
    const states = await statesOf(valkey, queued);
    const wanted = queued.flatMap((target, n) => {
      const state = states[n] ?? null;
      if (state === null || state.rollout_id !== rolloutId) return [];
      if (agentId !== undefined && target.agentId !== agentId) return [];
      if (statuses !== undefined && !statuses.includes(state.status)) return [];
      return exitCode === undefined || state.exit_code === exitCode ? [{ ...target, state }] : [];
    });
    const records = await textsOf(
      valkey,
      wanted.map(({ commandId }) => valkey.keys.record(commandId)),
    );
    const results = await Promise.all(
      wanted.map(async ({ position, commandId, state }, n) => {
        const record = parseRecord(records[n] ?? null);
        if (record === null) return null;
        const output =
          outputBytes > 0 && state.output_end ? await readOutput(valkey, companyId, commandId, 0, outputBytes) : null;
        const pieces = output?.pieces.map(({ data }) => data) ?? [];
        const result = {
          command: toCommand(record, state),
          output: Buffer.concat(pieces),
          cursor: encodeId(String(position)),
        };
        return { position, result };
      }),
    );
    found.push(...results.filter((result) => result !== null));
    if (found.length > limit || queued.length < perStep) break;
    from += perStep;
  }
  const page = toPage(found, limit, ({ position }) => String(position));
  return { items: page.items.map(({ result }) => result), nextCursor: page.nextCursor };
}

async function statesOf(valkey: Valkey, targets: readonly Target[]) {
  const texts = await textsOf(
    valkey,
    targets.map(({ commandId }) => valkey.keys.state(commandId)),
  );
  return texts.map(parseState);
}

async function textsOf(valkey: Valkey, keys: readonly string[]): Promise<(string | null)[]> {
  return keys.length === 0 ? [] : valkey.command<(string | null)[]>("MGET", ...keys);
}

/** Before the first one without a cursor. Throws `invalid_cursor`. */
function positionOf(cursor: string | null): number {
  if (cursor === null) return -1;
  const text = decodeId(cursor);
  return /^\d{1,9}$/.test(text) ? Number(text) : refuseCursor();
}
