import { FleetwireError } from "@fleetwire/service";
import type { CommandStatus } from "../../commands/command.ts";
import type { EnqueueOutcome, NewCommand } from "../command-store.ts";
import { storeErrors } from "../errors.ts";
import type { StoreContext } from "./context.ts";
import { commandTexts, parseRecord, parseState, toCommand } from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Looks up the agent, claims the idempotency key, stores the command, writes the feed.
 *
 * In:  1 command, 2 company, 3 agent, 4 type, 5 lane, 6 priority, 7 record and 8 state without ids and what the clock adds,
 *      9 expiry in ms or '', 10 idempotency key or '', 11 hash of its body, 12 '1': the agent needn't be enrolled.
 * Out: {'queued', server of the agent's open session or ''}, or {'agent_unknown'}, {'key_reused'},
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
store({ command_id = id, company_id = company, agent_id = agent, type = type, lane = lane, priority = tonumber(priority) },
  ARGV[7], ARGV[8], tonumber(ARGV[9]))
return {'queued', holderOf(agent)}`,
};

type Answer =
  | ["queued", string]
  | ["agent_unknown"]
  | ["key_reused"]
  | ["duplicate", string, CommandStatus]
  | ["exists", string, string];

/**
 * Repeatable: after `store_unavailable` the same call (same commandId) stores nothing twice and answers `queued`.
 * Rejects with `unstorable_text`, `unstorable_number`, `command_id_taken`, and with `store_full` at maxmemory.
 */
export async function enqueue(context: StoreContext, command: NewCommand): Promise<EnqueueOutcome> {
  const { valkey, hub, signals } = context;
  const { commandId, agentId } = command;
  checkNumbers(command);
  const { record, state } = commandTexts(command);
  const answer = await valkey.run<Answer>(
    enqueueScript,
    commandId,
    command.companyId,
    agentId,
    command.type,
    command.lane,
    command.priority,
    record,
    state,
    command.expiresAt?.getTime() ?? "",
    command.idempotencyKey?.key ?? "",
    command.idempotencyKey?.bodyHash ?? "",
    command.allowUnknownAgent ? "1" : "0",
  );
  switch (answer[0]) {
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
