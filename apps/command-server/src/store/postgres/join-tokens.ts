import type { JoinToken, NewJoinToken } from "../command-store.ts";
import type { PrismaReads } from "./prisma-reads.ts";
import type { Sql } from "./sql.ts";

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
