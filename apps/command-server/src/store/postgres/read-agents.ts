import type { JsonObject } from "../../commands/command.ts";
import type { AgentRecordGetPayload, AgentRecordWhereInput } from "../../generated/prisma/models.ts";
import type { Agent, DisconnectReason, Page } from "../command-store.ts";
import type { PrismaReads } from "./prisma-reads.ts";
import { decodeId, toPage } from "../pages.ts";

type AgentRow = AgentRecordGetPayload<{ include: { session: true } }>;

export interface ListAgents {
  companyId: string;
  fleet?: string;
  status?: Agent["status"];
  /** All of them. */
  labels?: Record<string, string>;
  limit: number;
  cursor: string | null;
}

export async function getAgent({ read }: PrismaReads, companyId: string, agentId: string): Promise<Agent | null> {
  const row = await read((prisma) =>
    prisma.agentRecord.findFirst({ where: { agentId, companyId }, include: { session: true } }),
  );
  return row ? toAgent(row) : null;
}

/** Ordered by agent id. Throws `invalid_cursor`. */
export async function listAgents({ read }: PrismaReads, query: ListAgents): Promise<Page<Agent>> {
  const { companyId, fleet, status, labels = {}, limit, cursor } = query;
  const where: AgentRecordWhereInput = { companyId };
  if (cursor !== null) where.agentId = { gt: decodeId(cursor) };
  if (fleet !== undefined) where.fleet = fleet;
  if (status !== undefined) where.revokedAt = status === "revoked" ? { not: null } : null;
  if (status === "online" || status === "offline") where.session = { connected: status === "online" };
  where.AND = Object.entries(labels).map(([label, equals]) => ({ labels: { path: [label], equals } }));
  const rows = await read((prisma) =>
    prisma.agentRecord.findMany({ where, include: { session: true }, orderBy: { agentId: "asc" }, take: limit + 1 }),
  );
  return toPage(rows.map(toAgent), limit, ({ agentId }) => agentId);
}

function toAgent(row: AgentRow): Agent {
  const { session } = row;
  const online = row.revokedAt === null && session?.connected === true;
  const drainReasons: Agent["drainReasons"] = [];
  if (session?.drainRequestedAt) drainReasons.push("operator");
  if (row.draining) drainReasons.push("agent");
  const { running = null, load1 = null, freeMemoryBytes = null } = session ?? {};
  return {
    agentId: row.agentId,
    companyId: row.companyId,
    fleet: row.fleet,
    labels: row.labels as Record<string, string>,
    types: row.types as Agent["types"],
    concurrency: row.concurrency,
    hostname: row.hostname,
    platform: row.platform,
    version: row.version,
    facts: row.facts as JsonObject | null,
    factsAt: row.factsAt,
    status: row.revokedAt === null ? (online ? "online" : "offline") : "revoked",
    draining: drainReasons.length > 0,
    drainReasons,
    drainRequestedAt: session?.drainRequestedAt ?? null,
    epoch: Number(session?.epoch ?? 0),
    serverId: online ? (session?.serverId ?? null) : null,
    enrolledAt: row.enrolledAt,
    connectedAt: session?.connectedAt ?? null,
    lastSeenAt: session?.seenAt ?? null,
    disconnectedAt: session?.disconnectedAt ?? null,
    disconnectReason: (session?.disconnectReason ?? null) as DisconnectReason | null,
    disconnectDetail: session?.disconnectDetail ?? null,
    load:
      running === null || load1 === null || freeMemoryBytes === null
        ? null
        : { running, load1, freeMemoryBytes: Number(freeMemoryBytes) },
  };
}
