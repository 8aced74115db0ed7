import type { Command } from "../../commands/command.ts";
import type { ListCommands, Page } from "../command-store.ts";
import { decodeId, refuseCursor, toPage } from "../pages.ts";
import { parseRecord, parseState, toCommand, type CommandState } from "./record.ts";
import type { Valkey } from "./valkey.ts";

/** One command of this company, or null. */
export async function getCommand(valkey: Valkey, companyId: string, commandId: string): Promise<Command | null> {
  const { keys } = valkey;
  const [recordText, stateText] = await valkey.command<(string | null)[]>(
    "MGET",
    keys.record(commandId),
    keys.state(commandId),
  );
  const [record, state] = [parseRecord(recordText ?? null), parseState(stateText ?? null)];
  return record !== null && state?.company_id === companyId ? toCommand(record, state) : null;
}

const statesPerStep = 200;

interface Listed {
  seq: string;
  command: Command;
}

/** In order of arrival, backwards. A page costs what it shows and what its filters skip. Throws `invalid_cursor`. */
export async function listCommands(valkey: Valkey, query: ListCommands): Promise<Page<Command>> {
  const { keys } = valkey;
  const { companyId, agentId, limit } = query;
  const index = agentId === undefined ? keys.byCompany(companyId) : keys.byAgent(agentId, companyId);
  let before = query.cursor === null ? "+inf" : `(${decodeSequence(query.cursor)}`;
  const found: Listed[] = [];
  for (;;) {
    const flat = await valkey.command<string[]>(
      ...(["ZREVRANGEBYSCORE", index, before, "-inf", "WITHSCORES", "LIMIT", 0, statesPerStep] as const),
    );
    const entries = Array.from({ length: flat.length / 2 }, (_, n) => ({
      id: flat[2 * n] ?? "",
      seq: flat[2 * n + 1] ?? "",
    }));
    found.push(...(await readMatching(valkey, entries, query)));
    const last = entries.at(-1);
    if (last !== undefined) before = `(${last.seq}`;
    if (found.length > limit || entries.length < statesPerStep) break;
  }
  const page = toPage(found, limit, ({ seq }) => seq);
  return { items: page.items.map(({ command }) => command), nextCursor: page.nextCursor };
}

async function readMatching(
  valkey: Valkey,
  entries: readonly { id: string; seq: string }[],
  { companyId, statuses, type }: ListCommands,
): Promise<Listed[]> {
  if (entries.length === 0) return [];
  const { keys } = valkey;
  const texts = await valkey.command<(string | null)[]>("MGET", ...entries.map(({ id }) => keys.state(id)));
  const wanted = entries.flatMap((entry, n): { id: string; seq: string; state: CommandState }[] => {
    const state = parseState(texts[n] ?? null);
    if (state === null || state.company_id !== companyId) return [];
    if (statuses !== undefined && !statuses.includes(state.status)) return [];
    return type === undefined || state.type === type ? [{ ...entry, state }] : [];
  });
  if (wanted.length === 0) return [];
  const records = await valkey.command<(string | null)[]>("MGET", ...wanted.map(({ id }) => keys.record(id)));
  return wanted.flatMap(({ seq, state }, n) => {
    const record = parseRecord(records[n] ?? null);
    return record === null ? [] : [{ seq, command: toCommand(record, state) }];
  });
}

function decodeSequence(cursor: string): string {
  const seq = decodeId(cursor);
  return /^\d{1,16}$/.test(seq) ? seq : refuseCursor();
}

/** Commands that haven't ended. */
export async function depth(valkey: Valkey): Promise<{ queued: number; assigned: number }> {
  const { keys } = valkey;
  const [queued, assigned] = await Promise.all([
    valkey.command<number>("ZCARD", keys.dueQueued()),
    valkey.command<number>("ZCARD", keys.dueAssigned()),
  ]);
  return { queued, assigned };
}
