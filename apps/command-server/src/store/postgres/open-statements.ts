import type { Lane, RetryPolicy } from "../../commands/command.ts";
import { connectionEntries } from "./feed-entries.ts";
import { sessionEnds } from "./session-log.ts";

// The statements that open sessions, each for any number of agents (distinct, and sorted where rows are locked).

/** Taken before anything is read: a statement that waits for a lock still reads the other tables as they were before. */
export const lock = `SELECT agent_id FROM agent_sessions WHERE agent_id = ANY($1::text[]) ORDER BY agent_id FOR NO KEY UPDATE`;

/** The same without waiting: who is missing is either unknown or in another transaction's hands. */
export const lockFree = `${lock} SKIP LOCKED`;

/**
 * Everything that decides about a hello: $1 agents, $2 their ledgers, $3 holder timeout in ms.
 * `fresh`: its session is open, and neither it nor its server has been silent for too long.
 * Looked up one by one (LIMIT keeps the planner from joining): a join would read the tables whole while they are small.
 */
export const look = `
SELECT h.agent_id, a.company_id, a.fleet, a.revoked_at IS NOT NULL AS revoked, s.epoch, s.ledger_id, s.server_id, s.connected,
  l.highest AS reported,
  (extract(epoch FROM clock_timestamp() - s.seen_at) * 1000)::float8 AS silent_ms,
  coalesce(s.connected AND least(s.seen_at, v.seen_at) > clock_timestamp() - $3::float8 * interval '1 ms', false) AS fresh
FROM unnest($1::text[], $2::text[]) AS h(agent_id, ledger_id)
JOIN LATERAL (SELECT * FROM agents WHERE agent_id = h.agent_id LIMIT 1) a ON true
JOIN LATERAL (SELECT * FROM agent_sessions WHERE agent_id = h.agent_id LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT * FROM agent_ledgers WHERE agent_id = h.agent_id AND ledger_id = h.ledger_id LIMIT 1) l ON true
LEFT JOIN servers v ON v.server_id = s.server_id`;

export interface AgentRow {
  agent_id: string;
  company_id: string;
  fleet: string;
  revoked: boolean;
  epoch: number;
  ledger_id: string | null;
  server_id: string | null;
  connected: boolean;
  reported: number | null;
  silent_ms: number | null;
  fresh: boolean;
}

/** What the agents $1 have been given and not ended. */
export const assigned = `
SELECT c.agent_id, c.id, c.lane, c.ledger_id, c.attempt, c.assign_no, c.started_at IS NOT NULL AS started, c.idempotent, c.retry,
  c.cancel_requested_at IS NOT NULL AS cancel_requested, c.expires_at <= clock_timestamp() AS expired, c.output_end
FROM commands c WHERE c.agent_id = ANY($1::text[]) AND c.status = 'assigned' ORDER BY c.id FOR NO KEY UPDATE`;

export interface AssignedRow {
  agent_id: string;
  id: string;
  lane: Lane;
  ledger_id: string;
  attempt: number;
  assign_no: number;
  started: boolean;
  idempotent: boolean;
  retry: RetryPolicy | null;
  cancel_requested: boolean;
  expired: boolean;
  output_end: number;
}

/** The sessions that are open, of agents $1, as ones that end: before the new ones are written. */
export const supersede = `
WITH ended AS (
  SELECT agent_id, company_id, epoch, server_id, sessions, connected_at, clock_timestamp() AS disconnected_at,
    'superseded' AS disconnect_reason, NULL::text AS disconnect_detail
  FROM agent_sessions WHERE agent_id = ANY($1::text[]) AND connected
), ${sessionEnds("ended")}
SELECT FROM ended`;

/**
 * Which of the runs $1 (with agents $2 and attempts $3) are of commands that wait in the queue for that agent. Looked up by
 * id alone: by their state the planner might walk every live command.
 */
export const forgotten = `
WITH found AS MATERIALIZED (
  SELECT c.agent_id, c.id, c.attempt, c.status FROM commands c WHERE c.id = ANY($1::text[])
)
SELECT f.agent_id, f.id, f.attempt FROM unnest($1::text[], $2::text[], $3::int[]) AS h(id, agent_id, attempt)
JOIN found f ON f.id = h.id AND f.agent_id = h.agent_id AND f.attempt = h.attempt WHERE f.status = 'queued'`;

/** Ledgers that are remembered of one agent, beside the one that speaks. */
const pastLedgers = 8;

/**
 * The new sessions; $1 agents, $2 epochs, $3 ledgers, $4 boot ids, $5 server, $6 largest number that each hello knows of,
 * $7 the largest that its ledger has recorded, $8 whether that is known already. The counter never falls behind: a store that forgot would give a number twice.
 * An agent's oldest ledgers are forgotten: their runs were settled when the next one spoke, so that a copy of one has
 * nothing to run again.
 */
export const open = `
WITH hello AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $6::bigint[], $7::bigint[], $8::boolean[])
    AS h(agent_id, epoch, ledger_id, boot_id, known, highest, noted)
), opened AS (
  UPDATE agent_sessions s SET epoch = h.epoch, ledger_id = h.ledger_id, boot_id = h.boot_id, server_id = $5, connected = true,
    sessions = s.sessions + 1, assign_no = greatest(s.assign_no, h.known), seen_at = clock_timestamp(), connected_at = clock_timestamp(),
    disconnected_at = NULL, disconnect_reason = NULL, disconnect_detail = NULL
  FROM hello h WHERE s.agent_id = h.agent_id RETURNING s.agent_id, s.company_id, s.epoch, s.server_id
), fed AS (${connectionEntries("agent.connected", "opened")}), past AS (
  SELECT h.agent_id, l.ledger_id FROM hello h CROSS JOIN LATERAL (
    SELECT ledger_id FROM agent_ledgers WHERE agent_id = h.agent_id AND ledger_id <> h.ledger_id
    ORDER BY first_seen DESC OFFSET ${pastLedgers}
  ) l
), forgotten AS (
  DELETE FROM agent_ledgers l USING past p WHERE l.agent_id = p.agent_id AND l.ledger_id = p.ledger_id
)
INSERT INTO agent_ledgers AS l (agent_id, ledger_id, highest, first_seen)
SELECT agent_id, ledger_id, highest, clock_timestamp() FROM hello WHERE NOT noted ORDER BY agent_id
ON CONFLICT (agent_id, ledger_id) DO UPDATE SET highest = excluded.highest WHERE l.highest < excluded.highest`;
