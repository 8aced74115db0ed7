import { commandEntries } from "./feed-entries.ts";
import { changeColumns } from "./rows.ts";

const newCommands = `json_to_recordset($1::json) AS n(id text, company_id text, agent_id text, type text, lane text,
  command text, args jsonb, parameters jsonb, timeout_ms bigint, priority smallint, idempotent boolean, retry jsonb,
  expires_at timestamptz, key text, body_hash text, allow_unknown boolean, traceparent text, created_by text, offered bigint)`;

/**
 * One statement for a batch: looks up the agents, claims the idempotency keys, inserts what is new, writes the feed.
 *
 * In:  $1 JSON array of commands, ids and keys distinct; `offered` is the epoch of a session of this server that has a
 *      slot for it, at most one of each session; $2 default expiry in ms, $3 this server, $4 start grace in ms.
 * Out: per command `known` (its company may send to this agent), `added`, and `holder`, the server of the agent's
 *      open session; with a status `assigned` where the offer was taken: the session is the current one, and nothing
 *      waits in the lane. Known but not added: its id or its key was there before; `judgeRefused` finds out which.
 * Keys are claimed in order, so that batches that share keys wait for each other without a deadlock; none is claimed
 * for an id that is taken. A session that another statement has in hand takes nothing here. Agents and sessions are
 * looked up one by one: a join would read them all, tables of a few thousand rows being cheap to read.
 */
export const insertCommands = `
WITH input AS (
  SELECT n.*,
    coalesce((SELECT a.company_id = n.company_id FROM agents a WHERE a.agent_id = n.agent_id), n.allow_unknown) AS known
  FROM ${newCommands}
), claimed AS (
  INSERT INTO idempotency_keys (company_id, key, body_hash, command_id)
  SELECT company_id, key, body_hash, id FROM input i
  WHERE known AND key IS NOT NULL AND (SELECT c.id FROM commands c WHERE c.id = i.id) IS NULL
  ORDER BY company_id, key
  ON CONFLICT DO NOTHING
  RETURNING command_id
), taker AS MATERIALIZED (
  SELECT i.id, s.epoch, s.ledger_id, s.assign_no + 1 AS assign_no
  FROM (SELECT * FROM input WHERE offered IS NOT NULL ORDER BY agent_id) i CROSS JOIN LATERAL (
    SELECT * FROM agent_sessions s
    WHERE s.agent_id = i.agent_id AND s.company_id = i.company_id AND s.epoch = i.offered AND s.server_id = $3
      AND s.connected AND (i.lane = 'control' OR s.drain_requested_at IS NULL)
    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
  ) s
  WHERE (SELECT c.id FROM commands c WHERE c.status = 'queued' AND c.agent_id = i.agent_id
    AND c.company_id = i.company_id AND c.lane = i.lane LIMIT 1) IS NULL
), added AS (
  INSERT INTO commands AS c (id, company_id, agent_id, type, lane, command, args, parameters, timeout_ms, priority,
    idempotent, retry, traceparent, created_by, queued_at, expires_at, status, revision, epoch, ledger_id, assign_no,
    assigned_at, due_at)
  SELECT i.id, company_id, agent_id, type, lane, command, args, parameters, timeout_ms, priority,
    idempotent, retry, traceparent, created_by, now, expiry, CASE WHEN takes THEN 'assigned' ELSE 'queued' END,
    CASE WHEN takes THEN 2 ELSE 1 END, CASE WHEN takes THEN t.epoch END, CASE WHEN takes THEN t.ledger_id END,
    CASE WHEN takes THEN t.assign_no END, CASE WHEN takes THEN now END,
    CASE WHEN takes THEN expiry + $4::float8 * interval '1 ms' ELSE expiry END
  FROM input i LEFT JOIN taker t ON t.id = i.id,
    LATERAL (SELECT clock_timestamp()) AS c(now),
    LATERAL (SELECT coalesce(expires_at, now + $2::float8 * interval '1 ms')) AS x(expiry),
    LATERAL (SELECT t.id IS NOT NULL AND expiry > now) AS y(takes)
  WHERE known AND (key IS NULL OR i.id IN (SELECT command_id FROM claimed))
  ON CONFLICT (id) DO NOTHING
  RETURNING c.id, c.company_id, c.agent_id, c.type, ${changeColumns("c")}, c.epoch, c.assign_no, c.expires_at
), numbered AS (
  UPDATE agent_sessions SET assign_no = assign_no + 1
  WHERE agent_id = ANY(ARRAY(SELECT agent_id FROM added WHERE assign_no IS NOT NULL))
), fed AS (${commandEntries(`(
  SELECT a.id, a.company_id, a.agent_id, a.type, a.attempt, a.exit_code, a.error, step.status, step.revision
  FROM added a JOIN (VALUES ('queued', 1), ('assigned', 2)) AS step(status, revision) ON step.revision <= a.revision
  ORDER BY step.revision)`)})
SELECT i.id, i.known, a.id IS NOT NULL AS added, a.epoch, a.assign_no, ${changeColumns("a")},
  (extract(epoch FROM a.expires_at - clock_timestamp()) * 1000)::float8 AS window_ms,
  (SELECT CASE WHEN s.connected THEN s.server_id END FROM agent_sessions s WHERE s.agent_id = i.agent_id) AS holder
FROM input i LEFT JOIN added a ON a.id = i.id`;

/**
 * What stands where a command of $1 wasn't added. A statement later, since a rival may have committed meanwhile. LIMIT
 * keeps the planner from joining, which would read whole tables.
 */
export const judgeRefused = `
SELECT n.id, c.id IS NOT NULL AS exists, k.body_hash = n.body_hash AS same_body, k.command_id AS key_command,
  k.rollout_id AS key_rollout, kc.status AS key_status,
  c.company_id = n.company_id AND c.agent_id = n.agent_id AND c.type = n.type
    AND c.command IS NOT DISTINCT FROM n.command AND c.args IS NOT DISTINCT FROM n.args
    AND c.parameters = n.parameters AS same_command
FROM ${newCommands}
LEFT JOIN LATERAL (SELECT * FROM commands WHERE id = n.id LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT * FROM idempotency_keys WHERE company_id = n.company_id AND key = n.key LIMIT 1) k ON true
LEFT JOIN LATERAL (SELECT * FROM commands WHERE id = k.command_id LIMIT 1) kc ON true`;
