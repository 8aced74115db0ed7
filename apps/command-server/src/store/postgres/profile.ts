import type { AgentProfile } from "../command-store.ts";
import { cleanJson, cleanText } from "../text.ts";

/** What an agent says about itself; an empty fleet keeps the one it was enrolled into. $1 agent. */
export const setProfile = `
UPDATE agents SET fleet = coalesce(nullif($2, ''), fleet), labels = $3::jsonb, types = $4::jsonb, concurrency = $5,
  hostname = $6, platform = $7, version = $8, draining = $9
WHERE agent_id = $1`;

/** The same, while the session ($10 epoch, $11 server) is the current one. */
export const updateProfileStatement = `${setProfile} AND EXISTS (
  SELECT FROM agent_sessions s WHERE s.agent_id = $1 AND s.epoch = $10 AND s.server_id = $11 AND s.connected)`;

/** $1–$9 of these statements. */
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
