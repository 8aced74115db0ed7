import type { OutputPiece, OutputReport } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import type { Script } from "./script.ts";

/**
 * Appends one piece to the output of a run that is still open.
 *
 * In:  1 command, 2 agent, 3 ledger, 4 attempt, 5 first byte, 6 stream ('o' or 'e'), 7 the bytes.
 * Out: {the new end, 1 where it grew}; {-1} when the run isn't current.
 */
const appendScript: Script = {
  name: "append-output",
  kind: "settle",
  lua: `
local id, agent, ledger, attempt = unpack(ARGV, 1, 4)
local st = load(id)
if not st or st.status ~= 'assigned' or st.agent_id ~= agent or st.ledger_id ~= ledger or st.attempt ~= tonumber(attempt) then
  return {-1}
end
if not append(st, {{tonumber(ARGV[5]), ARGV[6], ARGV[7]}}) then return {st.output_end or 0, 0} end
save(st)
return {st.output_end, 1}`,
};

/** Repeatable, since the stored end decides. */
export async function appendOutput({ valkey, hub }: StoreContext, report: OutputReport): Promise<number | null> {
  const { commandId, agentId, ledgerId, attempt } = report;
  const run = [commandId, agentId, ledgerId, attempt] as const;
  const [end, grew] = await valkey.run<[number, number]>(appendScript, ...run, ...pieceArguments(report));
  if (end < 0) return null;
  if (grew === 1) hub.changed([{ kind: "output", commandId, end }]);
  return end;
}

/** A piece as scripts take it. */
export function pieceArguments({ offset, stream, data }: OutputPiece): [number, string, Buffer] {
  return [offset, stream === "stdout" ? "o" : "e", data];
}
