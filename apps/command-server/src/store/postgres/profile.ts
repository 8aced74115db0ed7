import type { AgentProfile } from "../command-store.ts";
import { cleanJson, cleanText } from "../text.ts";

/** The same, while the session ($10 epoch, $11 server) is the current one. */
export const updateProfileStatement = `
UPDATE agents SET fleet = coalesce(nullif($2, ''), fleet), labels = $3::jsonb, types = $4::jsonb, concurrency = $5,
  hostname = $6, platform = $7, version = $8, draining = $9
WHERE agent_id = $1 AND EXISTS (
  SELECT FROM agent_sessions s WHERE s.agent_id = $1 AND s.epoch = $10 AND s.server_id = $11 AND s.connected)`;

/**
 * What agents $1 (distinct) say about themselves; an empty fleet keeps the one that it was enrolled into. An agent that
 * says what it said before isn't written: most that come back do.
 */
export const setProfiles = `
WITH said AS (
  SELECT agent_id, fleet, labels::jsonb, types::jsonb, concurrency, hostname, platform, version, draining
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::boolean[])
    AS p(agent_id, fleet, labels, types, concurrency, hostname, platform, version, draining)
)
UPDATE agents a SET fleet = coalesce(nullif(p.fleet, ''), a.fleet), labels = p.labels, types = p.types,
  concurrency = p.concurrency, hostname = p.hostname, platform = p.platform, version = p.version, draining = p.draining
FROM said p WHERE a.agent_id = p.agent_id AND (a.fleet, a.labels, a.types, a.concurrency, a.hostname, a.platform, a.version, a.draining)
  IS DISTINCT FROM (coalesce(nullif(p.fleet, ''), a.fleet), p.labels, p.types, p.concurrency, p.hostname, p.platform, p.version, p.draining)`;

/** $1–$9 of `updateProfileStatement`. */
export function profileValues(agentId: string, profile: AgentProfile): unknown[] {
  return [
    agentId,
    cleanText(profile.fleet),
    cleanJson(profile.labels),
    cleanJson(profile.types),
    profile.concurrency,
    cleanText(profile.hostname),
    cleanText(profile.platform),
    cleanText(profile.version),
    profile.draining,
  ];
}

/** $1–$9 of `setProfiles`. */
export function profileColumns(said: readonly { agentId: string; profile: AgentProfile }[]): unknown[][] {
  const values = said.map(({ agentId, profile }) => profileValues(agentId, profile));
  return Array.from({ length: 9 }, (_, column) => values.map((row) => row[column]));
}
