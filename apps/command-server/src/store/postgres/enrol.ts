import { createBatcher } from "../batcher.ts";
import type { EnrolOutcome } from "../command-store.ts";
import { isUnavailable } from "../errors.ts";
import { cleanText } from "../text.ts";
import type { StoreContext } from "./context.ts";
import type { Sql } from "./sql.ts";

type Rows = Parameters<Parameters<Sql["transaction"]>[0]>[0];

export interface EnrolRequest {
  agentId: string;
  tokenHash: string;
  publicKey: Buffer;
  hostname: string;
}

/** Two tokens may race for one id: the second waits here and finds the first's agent. In order, so that batches don't deadlock. */
const claimIds = `
SELECT pg_advisory_xact_lock(key) FROM (
  SELECT DISTINCT hashtextextended('fleetwire enrol ' || id, 0) AS key FROM unnest($1::text[]) AS i(id) ORDER BY key
) AS keys`;

/** A use is spent by one batch at a time. */
const lockTokens = "SELECT FROM join_tokens WHERE token_hash = ANY($1::text[]) ORDER BY token_id FOR NO KEY UPDATE";

/** Per request: its token ($2), the agent that has the id ($1), and whether its key is $3. LIMIT keeps the planner from joining. */
const look = `
SELECT i.agent_id, t.token_id, t.company_id, t.fleet, t.uses_left, t.revoked_at IS NULL AND t.expires_at > clock_timestamp() AS valid,
  a.agent_id IS NOT NULL AS taken, a.revoked_at IS NOT NULL AS revoked, a.company_id AS agent_company,
  a.public_key = i.public_key AS same_key, a.fleet AS agent_fleet
FROM unnest($1::text[], $2::text[], $3::bytea[]) AS i(agent_id, token_hash, public_key)
JOIN LATERAL (SELECT * FROM join_tokens WHERE token_hash = i.token_hash LIMIT 1) t ON t.agent_id IS NULL OR t.agent_id = i.agent_id
LEFT JOIN LATERAL (SELECT * FROM agents WHERE agent_id = i.agent_id LIMIT 1) a ON true`;

/** $1 tokens, $2 how many uses of each. */
const spend = `
UPDATE join_tokens t SET uses_left = t.uses_left - s.uses,
  used_up_at = CASE WHEN t.uses_left = s.uses THEN clock_timestamp() ELSE t.used_up_at END
FROM unnest($1::text[], $2::int[]) AS s(token_id, uses) WHERE t.token_id = s.token_id`;

/** $1 agents, $2 companies, $3 keys, $4 fleets, $5 host names. */
const bind = `
WITH bound AS (
  INSERT INTO agents (agent_id, company_id, public_key, fleet, hostname, enrolled_at)
  SELECT agent_id, company_id, public_key, fleet, hostname, clock_timestamp()
  FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[]) AS n(agent_id, company_id, public_key, fleet, hostname)
  ON CONFLICT (agent_id) DO UPDATE SET public_key = excluded.public_key, fleet = excluded.fleet,
    hostname = excluded.hostname, enrolled_at = excluded.enrolled_at, revoked_at = NULL
  RETURNING agent_id, company_id
)
INSERT INTO agent_sessions (agent_id, company_id) SELECT agent_id, company_id FROM bound ON CONFLICT DO NOTHING`;

interface LookRow {
  agent_id: string;
  token_id: string;
  company_id: string;
  fleet: string;
  uses_left: number;
  valid: boolean;
  taken: boolean;
  revoked: boolean;
  agent_company: string | null;
  same_key: boolean | null;
  agent_fleet: string | null;
}

/**
 * Repeatable: the same key again is no error and costs no use, also when the token is used up by now. It has to be a
 * token of the agent's company all the same, so that a public key alone tells nothing about its owner.
 *
 * A fleet enrols with one token, whose row each enrolment has to lock until its commit: one after the other they
 * would make 10,000 agents wait for minutes, so those that come meanwhile share a transaction.
 */
export function createEnrol({ sql }: StoreContext): (request: EnrolRequest) => Promise<EnrolOutcome> {
  return createBatcher<EnrolRequest, EnrolOutcome>({
    keysOf: ({ agentId }) => [agentId],
    maxInFlight: 1,
    concernsAll: isUnavailable,
    run: (requests) => sql.transaction((rows) => enrolIn(rows, requests)),
  });
}

async function enrolIn(rows: Rows, requests: readonly EnrolRequest[]): Promise<EnrolOutcome[]> {
  const ids = requests.map(({ agentId }) => agentId);
  const hashes = requests.map(({ tokenHash }) => tokenHash);
  await rows({ name: "enrol-claim", text: claimIds, values: [ids] });
  await rows({ name: "enrol-tokens", text: lockTokens, values: [hashes] });
  const found = await rows<LookRow>({
    name: "enrol-look",
    text: look,
    values: [ids, hashes, requests.map(({ publicKey }) => publicKey)],
  });
  const byId = new Map(found.map((row) => [row.agent_id, row]));
  const spent = new Map<string, number>();
  const bound: { request: EnrolRequest; row: LookRow }[] = [];
  const outcomes = requests.map((request): EnrolOutcome => {
    const row = byId.get(request.agentId);
    if (row === undefined) return { kind: "token_invalid" };
    const sameCompany = row.agent_company === row.company_id;
    if (row.taken && row.same_key && sameCompany && !row.revoked) {
      return { kind: "enrolled", companyId: row.company_id, fleet: row.agent_fleet ?? row.fleet };
    }
    const uses = spent.get(row.token_id) ?? 0;
    if (!row.valid || row.uses_left <= uses) return { kind: "token_invalid" };
    if (row.taken && !(row.revoked && sameCompany)) return { kind: "id_taken" };
    spent.set(row.token_id, uses + 1);
    bound.push({ request, row });
    return { kind: "enrolled", companyId: row.company_id, fleet: row.fleet };
  });
  if (bound.length === 0) return outcomes;
  await rows({ name: "enrol-spend", text: spend, values: [[...spent.keys()], [...spent.values()]] });
  await rows({
    name: "enrol-bind",
    text: bind,
    values: [
      bound.map(({ request }) => request.agentId),
      bound.map(({ row }) => row.company_id),
      bound.map(({ request }) => request.publicKey),
      bound.map(({ row }) => row.fleet),
      bound.map(({ request }) => cleanText(request.hostname)),
    ],
  });
  return outcomes;
}
