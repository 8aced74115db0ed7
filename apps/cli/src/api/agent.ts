import { AnswerRecord } from "./record.ts";

/** An agent as the server tells it. `json` is the whole answer, for `--json`. */
export interface AgentView {
  json: Record<string, unknown>;
  agentId: string;
  status: string;
  fleet: string;
  hostname: string;
  platform: string;
  version: string;
  labels: [name: string, value: string][];
  types: string[];
  concurrency: number | null;
  running: number | null;
  draining: boolean;
  /** "operator", "agent". */
  drainReasons: string[];
  drainRequestedAt: Date | null;
  load1: number | null;
  freeMemoryBytes: number | null;
  factsAt: Date | null;
  enrolledAt: Date | null;
  connectedAt: Date | null;
  lastSeenAt: Date | null;
  disconnectedAt: Date | null;
  disconnectReason: string | null;
  disconnectDetail: string | null;
}

/** Throws a CliFailure where the answer isn't an agent. */
export function readAgent(json: unknown): AgentView {
  const record = new AnswerRecord(json);
  const types = Array.isArray(record.json["types"]) ? record.json["types"] : [];
  const drainReasons = Array.isArray(record.json["drainReasons"]) ? record.json["drainReasons"] : [];
  const load = record.optionalRecord("load");
  return {
    json: record.json,
    agentId: record.text("agentId"),
    status: record.text("status"),
    fleet: record.optionalText("fleet") ?? "",
    hostname: record.optionalText("hostname") ?? "",
    platform: record.optionalText("platform") ?? "",
    version: record.optionalText("version") ?? "",
    labels: Object.entries(record.optionalRecord("labels")?.json ?? {}).map(([name, value]) => [name, String(value)]),
    types: types.map((entry: unknown) => (typeof entry === "string" ? entry : new AnswerRecord(entry).text("type"))),
    concurrency: record.optionalNumber("concurrency"),
    running: load?.optionalNumber("running") ?? null,
    draining: record.flag("draining"),
    drainReasons: drainReasons.map(String),
    drainRequestedAt: record.optionalDate("drainRequestedAt"),
    load1: load?.optionalNumber("load1") ?? null,
    freeMemoryBytes: load?.optionalNumber("freeMemoryBytes") ?? null,
    factsAt: record.optionalDate("factsAt"),
    enrolledAt: record.optionalDate("enrolledAt"),
    connectedAt: record.optionalDate("connectedAt"),
    lastSeenAt: record.optionalDate("lastSeenAt"),
    disconnectedAt: record.optionalDate("disconnectedAt"),
    disconnectReason: record.optionalText("disconnectReason"),
    disconnectDetail: record.optionalText("disconnectDetail"),
  };
}

/** One of an agent's sessions. */
export interface SessionView {
  epoch: number;
  serverId: string;
  connectedAt: Date | null;
  /** Null while it is open. */
  disconnectedAt: Date | null;
  reason: string | null;
  detail: string | null;
}

/** Throws a CliFailure where the answer isn't a session. */
export function readSession(json: unknown): SessionView {
  const record = new AnswerRecord(json);
  return {
    epoch: record.number("epoch"),
    serverId: record.text("serverId"),
    connectedAt: record.optionalDate("connectedAt"),
    disconnectedAt: record.optionalDate("disconnectedAt"),
    reason: record.optionalText("reason"),
    detail: record.optionalText("detail"),
  };
}

export interface JoinTokenView {
  json: Record<string, unknown>;
  tokenId: string;
  fleet: string;
  agentId: string | null;
  usesLeft: number | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** Throws a CliFailure where the answer isn't a join token. */
export function readJoinToken(json: unknown): JoinTokenView {
  const record = new AnswerRecord(json);
  return {
    json: record.json,
    tokenId: record.text("tokenId"),
    fleet: record.optionalText("fleet") ?? "",
    agentId: record.optionalText("agentId"),
    usesLeft: record.optionalNumber("usesLeft"),
    expiresAt: record.optionalDate("expiresAt"),
    revokedAt: record.optionalDate("revokedAt"),
  };
}
