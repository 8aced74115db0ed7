/** Lua that judges what agents report. */
export const reportParts = {
  /** Keeps the largest number that a ledger has reported as recorded: a hello below it is a restored copy. */
  note: `
local function note(agent, ledger, number, recorded)
  if recorded ~= '1' then return end
  local known = redis.call('HGET', K.ledgers(agent), ledger)
  if known and tonumber(known) < tonumber(number) then redis.call('HSET', K.ledgers(agent), ledger, number) end
end`,

  /** Whether a report speaks of the command's current run. */
  sameRun: `
local function sameRun(st, agent, ledger, attempt, number)
  return st.agent_id == agent and st.ledger_id == ledger and st.attempt == tonumber(attempt)
    and st.assign_no == tonumber(number)
end`,
};
