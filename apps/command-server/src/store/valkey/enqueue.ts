import { FleetwireError } from "@fleetwire/service";
import type { CommandStatus } from "../../commands/command.ts";
import type { EnqueueOutcome, NewCommand, SlotOffer } from "../command-store.ts";
import { storeErrors, withdraw } from "../errors.ts";
import type { StoreContext } from "./context.ts";
import {
  commandTexts,
  parseRecord,
  parseState,
  toAssignment,
  toChange,
  toCommand,
  type CommandState,
} from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Looks up the agent, claims the idempotency key, stores the command, writes the feed.
 *
 * In:  1 command, 2 company, 3 agent, 4 type, 5 lane, 6 priority, 7 record and 8 state without ids and what the clock adds,
 *      9 expiry in ms or '', 10 idempotency key or '', 11 hash of its body, 12 '1': the agent needn't be enrolled,
 *      13 this server, 14 epoch of its session that offers a slot, or ''.
 * Out: {'queued', server of the agent's open session or ''}; {'assigned', state, ms left to start} where that session
 *      is the current one and nothing waits in its lane; or {'agent_unknown'}, {'key_reused'},
 *      {'duplicate', command, status}, {'exists', its record, its state}: the id is there already.
 */
const enqueueScript: Script = {
  name: "enqueue",
  kind: "intake",
  lua: `
local id, company, agent, type, lane, priority = unpack(ARGV, 1, 6)
local key = ARGV[10]
local owner = redis.call('HGET', K.agent(agent), 'company')
if owner and owner ~= company or not owner and ARGV[12] ~= '1' then return {'agent_unknown'} end
if redis.call('EXISTS', K.state(id), K.record(id)) > 0 then return {'exists', read(K.record(id)) or '', read(K.state(id)) or ''} end
if key ~= '' then
  local known, kind, other = holder(company, key)
  if known and (known ~= ARGV[11] or kind == 'rollout') then return {'key_reused'} end
  if known then return {'duplicate', other, load(other).status} end
  redis.call('SET', K.idempotency(company, key), ARGV[11] .. ' ' .. id)
end
local s = sessionOf(agent)
local takes = ARGV[14] ~= '' and isCurrent(s, ARGV[14], ARGV[13]) and s.company == company
  and not (lane == 'work' and s.drain_at) and redis.call('EXISTS', K.queued(agent, lane, company)) == 0
local st = { command_id = id, company_id = company, agent_id = agent, type = type, lane = lane, priority = tonumber(priority) }
local state, number = store(st, ARGV[7], ARGV[8], tonumber(ARGV[9]), takes and s)
if number then return {'assigned', state, st.expires_ms - now} end
return {'queued', s.connected == '1' and s.server or ''}`,
};

type Answer =
  | ["queued", string]
  | ["assigned", string, number]
  | ["agent_unknown"]
  | ["key_reused"]
  | ["duplicate", string, CommandStatus]
  | ["exists", string, string];

/**
 * Repeatable: after `store_unavailable` the same call (same commandId) stores nothing twice and answers `queued`.
 * Rejects with `unstorable_text`, `unstorable_number`, `command_id_taken`, and with `store_full` at maxmemory.
 */
export async function enqueue(context: StoreContext, command: NewCommand): Promise<EnqueueOutcome> {
  checkNumbers(command);
  const texts = commandTexts(command);
  const offer = context.signals.offer(command.agentId, command.lane);
  let answer: Answer;
  try {
    answer = await store(context, command, texts, offer);
  } catch (error) {
    withdraw(offer, error);
    throw error;
  }
  const assigned = answer[0] === "assigned" ? parseState(answer[1]) : null;
  offer?.settle(assigned && toAssignment(assigned, command, { startWindowMs: Number(answer[2]), waitedMs: 0 }));
  return conclude(context, command, answer, assigned);
}

function store(
  { valkey, serverId }: StoreContext,
  command: NewCommand,
  { record, state }: ReturnType<typeof commandTexts>,
  offer: SlotOffer | null,
): Promise<Answer> {
  return valkey.run<Answer>(
    enqueueScript,
    command.commandId,
    command.companyId,
    command.agentId,
    command.type,
    command.lane,
    command.priority,
    record,
    state,
    command.expiresAt?.getTime() ?? "",
    command.idempotencyKey?.key ?? "",
    command.idempotencyKey?.bodyHash ?? "",
    command.allowUnknownAgent ? "1" : "0",
    serverId,
    offer?.epoch ?? "",
  );
}

function conclude(
  { hub, signals }: StoreContext,
  command: NewCommand,
  answer: Answer,
  assigned: CommandState | null,
): EnqueueOutcome {
  const { commandId, agentId } = command;
  switch (answer[0]) {
    case "assigned":
      if (assigned === null) throw new Error("a step that assigned a command gave no state");
      hub.changed([
        { kind: "state", commandId, status: "queued", revision: 1 },
        { kind: "state", commandId, status: "assigned", revision: assigned.revision, change: toChange(assigned) },
      ]);
      return { kind: "queued", commandId };
    case "queued":
      hub.changed([{ kind: "state", commandId, status: "queued", revision: 1 }]);
      signals.wake([{ agentId, holder: answer[1] || null }]);
      return { kind: "queued", commandId };
    case "duplicate":
      return { kind: "duplicate", commandId: answer[1], status: answer[2] };
    case "exists":
      if (isSame(command, answer[1], answer[2])) return { kind: "queued", commandId };
      throw new FleetwireError(storeErrors.command_id_taken);
    default:
      return { kind: answer[0] };
  }
}

/** Priority ranks the queue: one out of range would break its order. */
function checkNumbers({ priority, timeoutMs }: NewCommand): void {
  const fits = Number.isInteger(priority) && priority >= 0 && priority <= 10 && Number.isSafeInteger(timeoutMs);
  if (!fits) throw new FleetwireError(storeErrors.unstorable_number);
}

/** Whether what is stored under its id is this command. */
function isSame(command: NewCommand, record: string, state: string): boolean {
  const [storedRecord, storedState] = [parseRecord(record), parseState(state)];
  if (storedRecord === null || storedState === null) return false;
  const stored = toCommand(storedRecord, storedState);
  const meaning = (of: NewCommand | typeof stored) =>
    JSON.stringify([of.companyId, of.agentId, of.type, of.command, of.args, of.parameters]);
  return meaning(command) === meaning(stored);
}
