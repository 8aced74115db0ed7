/**
 * SQL that writes the feed. Every statement that moves a command or a session includes one of these as a CTE, so that
 * the change and its entry are one step.
 *
 * @param rows a CTE whose rows have `id, company_id, agent_id, status, revision, attempt, type, exit_code, error` as
 * they are after the transition.
 */
export function commandEntries(rows: string): string {
  return `INSERT INTO feed (kind, company_id, agent_id, command_id, revision, data)
    SELECT 'command.' || m.status, m.company_id, m.agent_id, m.id, m.revision,
      jsonb_build_object('attempt', m.attempt, 'type', m.type, 'exitCode', m.exit_code, 'error', m.error)
    FROM ${rows} m`;
}

/** What `commandEntries` needs of an UPDATE of `commands AS c`. */
export const entryColumns =
  "c.id, c.company_id, c.agent_id, c.status, c.revision, c.attempt, c.type, c.exit_code, c.error";

/** @param rows a CTE with `agent_id, company_id, epoch, server_id` and, for disconnects, `disconnect_reason`. */
export function connectionEntries(kind: "agent.connected" | "agent.disconnected", rows: string): string {
  const reason = kind === "agent.disconnected" ? "m.disconnect_reason" : "NULL::text";
  return `INSERT INTO feed (kind, company_id, agent_id, data)
    SELECT '${kind}', m.company_id, m.agent_id,
      jsonb_build_object('epoch', m.epoch, 'serverId', m.server_id, 'reason', ${reason})
    FROM ${rows} m`;
}
