/**
 * CTEs that keep the largest number which each ledger has reported as recorded: a hello below it is a restored copy.
 * Rows are locked in order, after those of `commands`; one that has it already isn't written.
 *
 * @param reports a CTE with `agent_id, ledger_id, assign_no, recorded`.
 */
export function ledgerNotes(reports: string): string {
  return `noted AS (
  SELECT agent_id, ledger_id, max(assign_no) AS highest FROM ${reports} WHERE recorded GROUP BY agent_id, ledger_id
), behind AS MATERIALIZED (
  SELECT l.agent_id, l.ledger_id, n.highest FROM agent_ledgers l JOIN noted n USING (agent_id, ledger_id)
  WHERE l.agent_id = ANY(ARRAY(SELECT agent_id FROM noted)) AND l.highest < n.highest
  ORDER BY l.agent_id, l.ledger_id FOR NO KEY UPDATE OF l
), ledgers AS (
  UPDATE agent_ledgers l SET highest = b.highest FROM behind b
  WHERE l.agent_id = b.agent_id AND l.ledger_id = b.ledger_id
)`;
}
