import type { NewCommand } from "../../command-store.ts";
import type { StoreContext } from "../context.ts";
import { commandTexts } from "../record.ts";
import type { Script } from "../script.ts";
import type { ForeignId } from "./find.ts";

/**
 * Makes another program's command one of this store's, if it is still the one that was read.
 *
 * In:  1 command, 2 company, 3 agent, 4 type, 5 lane, 6 priority, 7 record and 8 state without ids and what the clock adds,
 *      9 expiry in ms or '', 10 SHA-1 of what was read.
 * Out: {'taken', server of the agent's open session or ''}, {'gone'}: it was taken, changed or removed meanwhile,
 *      {'agent_unknown'}: the agent is another company's.
 */
const takeScript: Script = {
  name: "foreign-take",
  kind: "intake",
  lua: `
local id, company, agent, type, lane, priority = unpack(ARGV, 1, 6)
local raw = read(K.record(id))
if not raw or redis.sha1hex(raw) ~= ARGV[10] or not isForeign(id) then return {'gone'} end
local owner = redis.call('HGET', K.agent(agent), 'company')
if owner and owner ~= company then return {'agent_unknown'} end
store({ command_id = id, company_id = company, agent_id = agent, type = type, lane = lane, priority = tonumber(priority) },
  ARGV[7], ARGV[8], tonumber(ARGV[9]))
return {'taken', holderOf(agent)}`,
};

export type TakeOutcome = "taken" | "gone" | "agent_unknown";

/** Repeatable. Wakes the holder of the agent's session. */
export async function takeForeign(
  { valkey, hub, signals }: StoreContext,
  { digest }: ForeignId,
  command: NewCommand,
): Promise<TakeOutcome> {
  const { commandId, agentId } = command;
  const { record, state } = commandTexts(command);
  const [outcome, holder] = await valkey.run<[TakeOutcome, string?]>(
    takeScript,
    commandId,
    command.companyId,
    agentId,
    command.type,
    command.lane,
    command.priority,
    record,
    state,
    command.expiresAt?.getTime() ?? "",
    digest,
  );
  if (outcome === "taken") {
    hub.changed([{ kind: "state", commandId, status: "queued", revision: 1 }]);
    signals.wake([{ agentId, holder: holder || null }]);
  }
  return outcome;
}
