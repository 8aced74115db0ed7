import type { EnrolOutcome, JoinToken, NewJoinToken } from "../command-store.ts";
import type { PrismaReads } from "./prisma-reads.ts";
import type { Sql } from "./sql.ts";
import { cleanText } from "../text.ts";

const listedTokens = 1000;

const create = `
INSERT INTO join_tokens (token_id, company_id, token_hash, fleet, agent_id, uses_left, created_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), clock_timestamp() + $8::float8 * interval '1 ms')
RETURNING token_id AS "tokenId", fleet, agent_id AS "agentId", uses_left AS "usesLeft", created_at AS "createdAt",
  expires_at AS "expiresAt", revoked_at AS "revokedAt"`;

export async function createJoinToken(sql: Sql, token: NewJoinToken): Promise<JoinToken> {
  const { tokenId, companyId, tokenHash, fleet, agentId, uses, createdBy, ttlMs } = token;
  const values = [tokenId, companyId, tokenHash, fleet, agentId, uses, createdBy, ttlMs];
  const [row] = await sql.rows<JoinToken>({ text: create, values });
  if (row === undefined) throw new Error("INSERT … RETURNING gave no row");
  return row;
}

/** Newest first; those that can't be used any more too, until `cleanup` removes them. */
export async function listJoinTokens({ read }: PrismaReads, companyId: string): Promise<JoinToken[]> {
  return read((prisma) =>
    prisma.joinTokenRecord.findMany({
      where: { companyId },
      select: {
        tokenId: true,
        fleet: true,
        agentId: true,
        usesLeft: true,
        createdAt: true,
        expiresAt: true,
        revokedAt: true,
      },
      orderBy: { tokenId: "desc" },
      take: listedTokens,
    }),
  );
}

/** Repeatable. False when the company has no such token. */
export async function revokeJoinToken(sql: Sql, companyId: string, tokenId: string): Promise<boolean> {
  const text = `UPDATE join_tokens SET revoked_at = coalesce(revoked_at, clock_timestamp())
    WHERE token_id = $1 AND company_id = $2 RETURNING token_id`;
  return (await sql.rows({ text, values: [tokenId, companyId] })).length > 0;
}

/** Two tokens may race for one id: the second waits here and finds the first's agent. */
const claimId = "SELECT pg_advisory_xact_lock(hashtextextended('fleetwire enrol ' || $1, 0))";

/** The token ($2, locked against another use), the agent that has the id $1, and whether its key is $3. */
const look = `
SELECT t.token_id, t.company_id, t.fleet, a.agent_id IS NOT NULL AS taken, a.revoked_at IS NOT NULL AS revoked,
  a.company_id AS agent_company, a.public_key = $3::bytea AS same_key, a.fleet AS agent_fleet,
  t.revoked_at IS NULL AND t.expires_at > clock_timestamp() AND t.uses_left > 0 AS usable
FROM join_tokens t LEFT JOIN agents a ON a.agent_id = $1
WHERE t.token_hash = $2 AND (t.agent_id IS NULL OR t.agent_id = $1)
FOR NO KEY UPDATE OF t`;

const spend = `UPDATE join_tokens SET uses_left = uses_left - 1, used_up_at = CASE WHEN uses_left = 1 THEN clock_timestamp() END
  WHERE token_id = $1`;

const bind = `
WITH bound AS (
  INSERT INTO agents (agent_id, company_id, public_key, fleet, hostname, enrolled_at)
  VALUES ($1, $2, $3, $4, $5, clock_timestamp())
  ON CONFLICT (agent_id) DO UPDATE SET public_key = excluded.public_key, fleet = excluded.fleet,
    hostname = excluded.hostname, enrolled_at = excluded.enrolled_at, revoked_at = NULL
  RETURNING agent_id, company_id
)
INSERT INTO agent_sessions (agent_id, company_id) SELECT agent_id, company_id FROM bound ON CONFLICT DO NOTHING`;

interface LookRow {
  token_id: string;
  company_id: string;
  fleet: string;
  taken: boolean;
  revoked: boolean;
  agent_company: string | null;
  same_key: boolean | null;
  agent_fleet: string | null;
  usable: boolean;
}

/**
 * Repeatable: the same key again is no error and costs no use, also when the token is used up by now. It has to be a
 * token of the agent's company all the same, so that a public key alone tells nothing about its owner.
 */
export async function enrol(
  sql: Sql,
  request: { agentId: string; tokenHash: string; publicKey: Buffer; hostname: string },
): Promise<EnrolOutcome> {
  const { agentId, tokenHash, publicKey } = request;
  return sql.transaction(async (rows): Promise<EnrolOutcome> => {
    await rows({ text: claimId, values: [agentId] });
    const [found] = await rows<LookRow>({ text: look, values: [agentId, tokenHash, publicKey] });
    if (found === undefined) return { kind: "token_invalid" };
    const sameCompany = found.agent_company === found.company_id;
    if (found.taken && found.same_key && sameCompany && !found.revoked) {
      return { kind: "enrolled", companyId: found.company_id, fleet: found.agent_fleet ?? found.fleet };
    }
    if (!found.usable) return { kind: "token_invalid" };
    if (found.taken && !(found.revoked && sameCompany)) return { kind: "id_taken" };
    await rows({ text: spend, values: [found.token_id] });
    const values = [agentId, found.company_id, publicKey, found.fleet, cleanText(request.hostname)];
    await rows({ text: bind, values });
    return { kind: "enrolled", companyId: found.company_id, fleet: found.fleet };
  });
}
