import type { CancelOutcome } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { parseRecord, parseState, toCommand } from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Ends what is queued, notes the wish on what is assigned.
 *
 * In:  1 command, 2 company.
 * Out: {'cancelled' | 'requested' | 'already_ended', state, record, server of the agent's open session or ''}, or
 *      {'not_found'}.
 */
const cancelScript: Script = {
  name: "cancel",
  kind: "settle",
  lua: `
local id, company = ARGV[1], ARGV[2]
local st, raw = load(id)
local record = read(K.record(id))
if not st or st.company_id ~= company or not record then return {'not_found'} end
if isTerminal(st) then return {'already_ended', raw, record, ''} end
st.cancel_ms = st.cancel_ms or now
if st.status == 'queued' then
  leaveQueue(st)
  st.error, st.error_message = 'cancelled', 'cancelled before it was assigned'
  return {'cancelled', finish(st, 'cancelled'), record, ''}
end
return {'requested', save(st), record, holderOf(st.agent_id)}`,
};

type Answer = ["cancelled" | "requested" | "already_ended", string, string, string] | ["not_found"];

/** Repeatable: a second wish keeps the time of the first, and signals again. */
export async function cancelCommand(
  { valkey, hub, signals }: StoreContext,
  companyId: string,
  commandId: string,
): Promise<CancelOutcome> {
  const answer = await valkey.run<Answer>(cancelScript, commandId, companyId);
  if (answer[0] === "not_found") return { kind: "not_found" };
  const [kind, stateText, recordText, holder] = answer;
  const [state, record] = [parseState(stateText), parseRecord(recordText)];
  if (state === null || record === null) return { kind: "not_found" };
  const command = toCommand(record, state);
  if (kind === "cancelled")
    hub.changed([{ kind: "state", commandId, status: "cancelled", revision: command.revision }]);
  if (kind === "requested") signals.cancel([{ agentId: command.agentId, holder: holder || null }]);
  return { kind, command };
}
