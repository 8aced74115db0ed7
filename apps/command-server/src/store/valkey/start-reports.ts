import type { RefusedOutcome, RefusedReport, StartedOutcome, StartedReport } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import type { Script } from "./script.ts";

// Both answers to an assignment take the same input: 1 command, 2 agent, 3 ledger, 4 attempt, 5 assignment number, 6 '1':
// a synced ledger row stands behind the report. A report speaks of a command's current run only when all of these agree.

/** The first report of a run dates it and sets its deadline; another one changes nothing. Out: 'applied' or 'stale'. */
const startedScript: Script = {
  name: "started",
  kind: "settle",
  lua: `
local id, agent, ledger, attempt, number, recorded = unpack(ARGV)
note(agent, ledger, number, recorded)
local st = load(id)
if not st or st.status ~= 'assigned' or not sameRun(st, agent, ledger, attempt, number) then return 'stale' end
if not st.started_ms then
  st.started_ms = now
  due(st, now + st.timeout_ms + TIMEOUT_GRACE)
  save(st)
end
return 'applied'`,
};

/**
 * Back to the queue, or cancelled where that was asked for (7 '1': the agent refused because of a Cancel).
 * Out: {status after it, revision where this step moved it}, or {'stale'}.
 */
const refusedScript: Script = {
  name: "refused",
  kind: "settle",
  lua: `
local id, agent, ledger, attempt, number, recorded, asked = unpack(ARGV)
note(agent, ledger, number, recorded)
local st = load(id)
if not st or not sameRun(st, agent, ledger, attempt, number) then return {'stale'} end
if st.status ~= 'assigned' or st.started_ms then return {st.status} end
if asked == '1' or st.cancel_ms then
  leaveRun(st)
  st.assigned_ms, st.error, st.answered = nil, 'cancelled', true
  finish(st, 'cancelled')
else requeue(st, false) end
return {st.status, st.revision}`,
};

/** Repeatable: the same report again answers the same and changes nothing. */
export async function started({ valkey }: StoreContext, report: StartedReport): Promise<StartedOutcome> {
  return valkey.run<StartedOutcome>(startedScript, ...runOf(report));
}

/** Repeatable, as long as the command hasn't been assigned anew; then it is `stale`. */
export async function refused({ valkey, hub }: StoreContext, report: RefusedReport): Promise<RefusedOutcome> {
  const asked = report.reason === "cancelled" ? "1" : "0";
  const [status, revision] = await valkey.run<[string, number?]>(refusedScript, ...runOf(report), asked);
  if (status !== "queued" && status !== "cancelled") return "stale";
  if (revision !== undefined) hub.changed([{ kind: "state", commandId: report.commandId, status, revision }]);
  return status === "queued" ? "requeued" : "cancelled";
}

function runOf({ commandId, agentId, ledgerId, attempt, assignNo, recorded }: StartedReport) {
  return [commandId, agentId, ledgerId, attempt, assignNo, recorded ? "1" : "0"] as const;
}
