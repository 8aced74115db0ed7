import { FleetwireError } from "@fleetwire/service";
import { retryReasonOf, statusOf } from "../../commands/command.ts";
import type { ResultOutcome, ResultReport, WatchEvent } from "../command-store.ts";
import { storeErrors } from "../errors.ts";
import { cleanJson } from "../text.ts";
import { pieceArguments } from "./append-output.ts";
import type { StoreContext } from "./context.ts";
import { parseState, toChange } from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Judges one answer against its command's run, ends or retries the command, appends the rest of its output, keeps a late
 * answer, writes the feed.
 *
 * In:  1 command, 2 agent, 3 ledger, 4 attempt, 5 assignment number, 6 '1': recorded, 7 the answer as JSON, 8 the reason
 *      under which a policy may retry it or '', 9 how long ago it began in ms or ''; then the output's tail, three
 *      arguments a piece.
 * Out: {verdict}, and for 'applied' and 'retried' the state, and 1 where output was appended.
 *
 *   the command now                                   verdict
 *   assigned, the same run                            applied, or retried where its policy allows
 *   ended by the agent's answer, or late one kept     duplicate
 *   ended by the server, the same run                 late: kept as 'late_result', the state stays
 *   queued again as the next attempt of that run      duplicate: this answer was what led there
 *   anything else                                     unknown
 *
 * A run is retried only within its time to start, and not when a cancel was asked for: a command that has run never
 * ends as 'expired'.
 */
const resultScript: Script = {
  name: "result",
  kind: "settle",
  lua: `
local id, agent, ledger, attempt, number, recorded = unpack(ARGV, 1, 6)
note(agent, ledger, number, recorded)
local st = load(id)
if not st or st.agent_id ~= agent or st.ledger_id ~= ledger or st.assign_no ~= tonumber(number) then return {'unknown'} end
attempt = tonumber(attempt)
if st.attempt == attempt + 1 and st.status == 'queued' then return {'duplicate'} end
if st.attempt ~= attempt or st.status == 'queued' then return {'unknown'} end
local answer = cjson.decode(ARGV[7])
if st.status ~= 'assigned' then
  if st.answered or st.late_result then return {'duplicate'} end
  st.late_result = answer.late
  save(st)
  return {'late'}
end
local retry, reason = st.retry, ARGV[8]
if retry and reason ~= '' and attempt < retry.maxAttempts and not st.cancel_ms and st.expires_ms > now then
  for _, allowed in ipairs(retry.on) do
    if allowed == reason then return {'retried', requeue(st, true)} end
  end
end
local pieces = {}
for n = 10, #ARGV, 3 do pieces[#pieces + 1] = {tonumber(ARGV[n]), ARGV[n + 1], ARGV[n + 2]} end
local grew = append(st, pieces)
local stored = st.output_end or 0
leaveRun(st)
if not st.started_ms then st.started_ms = ARGV[9] == '' and now or math.max(st.assigned_ms, now - tonumber(ARGV[9])) end
st.answered = true
for _, field in ipairs({'exit_code', 'error', 'error_message', 'duration_ms', 'left_running'}) do
  st[field] = answer[field] ~= cjson.null and answer[field] or nil
end
st.truncated = st.truncated or answer.output_bytes > stored
st.output_bytes = math.max(answer.output_bytes, stored)
return {'applied', finish(st, answer.status), grew and 1 or 0}`,
};

const maxInt4 = 2 ** 31 - 1;

/** Repeatable: an answer that had been applied is a `duplicate` and changes nothing. Rejects with `unstorable_number`. */
export async function result(
  { valkey, hub, signals, serverId }: StoreContext,
  report: ResultReport,
): Promise<ResultOutcome> {
  const { commandId, agentId, ledgerId, attempt, assignNo, recorded, outcome, exitCode } = report;
  if (!Number.isInteger(exitCode) || Math.abs(exitCode) > maxInt4)
    throw new FleetwireError(storeErrors.unstorable_number);
  const ran = exitCode >= 0;
  const [verdict, text, grew] = await valkey.run<[ResultOutcome["kind"], string?, number?]>(
    resultScript,
    commandId,
    agentId,
    ledgerId,
    attempt,
    assignNo,
    recorded ? "1" : "0",
    answerText(report),
    retryReasonOf(outcome, exitCode, report.error) ?? "",
    ran || report.startedAgoMs > 0 ? Math.round(report.startedAgoMs) : "",
    ...report.tail.flatMap(pieceArguments),
  );
  const state = parseState(text ?? null);
  if (verdict === "applied" || verdict === "retried") {
    if (state === null) throw new Error("a step that moved a command gave no state");
    const { status, revision, output_end: end = 0 } = state;
    const moved: WatchEvent = { kind: "state", commandId, status, revision, change: toChange(state) };
    hub.changed(grew === 1 ? [{ kind: "output", commandId, end }, moved] : [moved]);
    if (verdict === "retried") signals.wake([{ agentId, holder: serverId }]);
    return verdict === "applied" ? { kind: "applied", status } : { kind: "retried" };
  }
  return { kind: verdict };
}

/** The answer's part that is stored. Times are whole ms; what can't be stored of an agent's words is replaced. */
function answerText(report: ResultReport): string {
  const status = statusOf(report.outcome, report.exitCode);
  const ran = report.exitCode >= 0;
  const exitCode = ran ? report.exitCode : null;
  const error = report.error ?? (report.outcome === "exited" ? null : report.outcome);
  const { errorMessage, outputBytes } = report;
  // Left out where there are none: Lua can't tell an empty list from an empty object.
  const left = report.leftRunning.length === 0 ? {} : { leftRunning: report.leftRunning };
  // Nothing ran to an end, and nobody knows how long it did.
  const durationMs = ran || report.durationMs > 0 ? Math.round(report.durationMs) : null;
  return cleanJson({
    status,
    exit_code: exitCode,
    error,
    error_message: errorMessage,
    duration_ms: durationMs,
    output_bytes: outputBytes,
    ...(report.leftRunning.length === 0 ? {} : { left_running: report.leftRunning }),
    // Its output isn't kept any more.
    late: { status, exitCode, error, errorMessage, durationMs, outputBytes, truncated: outputBytes > 0, ...left },
  });
}
