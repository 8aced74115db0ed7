// Agents, and the tokens that enrol them. See `../command-store.ts` for what every method promises.
import type { JsonObject } from "../../commands/command.ts";
import type { Page } from "./commands.ts";
import type { AgentProfile, DisconnectReason } from "./sessions.ts";

export interface Agent extends AgentProfile {
  agentId: string;
  companyId: string;
  facts: JsonObject | null;
  /** When `facts` came. */
  factsAt: Date | null;
  status: "online" | "offline" | "revoked";
  epoch: number;
  serverId: string | null;
  /** It gets no new work: by its own word or an operator's wish (`drainReasons`). */
  draining: boolean;
  drainReasons: DrainReason[];
  /** Since when an operator wants it out of service. */
  drainRequestedAt: Date | null;
  enrolledAt: Date;
  connectedAt: Date | null;
  lastSeenAt: Date | null;
  disconnectedAt: Date | null;
  disconnectReason: DisconnectReason | null;
  disconnectDetail: string | null;
  load: { running: number; load1: number; freeMemoryBytes: number } | null;
}

/** `operator`: taken out of service until it is put back. `agent`: it stops, and finishes what it has. */
export type DrainReason = "operator" | "agent";

export interface NewJoinToken {
  tokenId: string;
  companyId: string;
  /** SHA-256 of the token, hex. The token itself is never stored. */
  tokenHash: string;
  fleet: string;
  /** Set: good for this agent id alone. */
  agentId: string | null;
  uses: number;
  ttlMs: number;
  createdBy: string;
}

export interface JoinToken {
  tokenId: string;
  fleet: string;
  agentId: string | null;
  usesLeft: number;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
}

export type EnrolOutcome =
  { kind: "enrolled"; companyId: string; fleet: string } | { kind: "token_invalid" } | { kind: "id_taken" };

/** Which agents of a company, all that is given must hold. Revoked ones never. */
export interface AgentSelection {
  companyId: string;
  fleet?: string;
  labels?: Readonly<Record<string, string>>;
  /** Types of command that the agent announced. */
  capabilities?: readonly string[];
  /** True: only those that are connected. */
  online?: boolean;
}

/** What choosing among agents takes of one: lean, since there may be ten thousand. */
export interface Candidate {
  agentId: string;
  online: boolean;
  draining: boolean;
  /** Whether it announced `offering`, and with which schema of the parameters (null: any object). Equal schemas of one page are one object. */
  offers: boolean;
  parametersSchema: JsonObject | null;
}

/** A connected agent that takes work, and how much it has. */
export interface LoadedCandidate extends Candidate {
  /** Commands that it has, for each slot of its concurrency. */
  load: number;
  /** Commands that wait for it. */
  queued: number;
}

export interface AgentRecords {
  createJoinToken(token: NewJoinToken): Promise<JoinToken>;
  listJoinTokens(companyId: string): Promise<JoinToken[]>;
  revokeJoinToken(companyId: string, tokenId: string): Promise<boolean>;
  /**
   * Spends one use of the token and binds the id to the key, in one step. The same key again is no error and costs no
   * use. A revoked id can be bound anew, by a token of its own company.
   */
  enrol(request: { agentId: string; tokenHash: string; publicKey: Buffer; hostname: string }): Promise<EnrolOutcome>;
  /** For checking a Hello; of any company. */
  agentKey(agentId: string): Promise<{ publicKey: Buffer; companyId: string; revoked: boolean } | null>;
  getAgent(companyId: string, agentId: string): Promise<Agent | null>;
  /** Ordered by agent id. */
  listAgents(query: {
    companyId: string;
    fleet?: string;
    status?: Agent["status"];
    labels?: Record<string, string>;
    limit: number;
    cursor: string | null;
  }): Promise<Page<Agent>>;
  /** Ordered by agent id. `offering`: the type that `offers` is about; null: none, and `offers` is false. */
  selectAgents(
    query: AgentSelection & { offering: string | null; limit: number; cursor: string | null },
  ): Promise<Page<Candidate>>;
  /** Of those that are online and not draining, the least loaded: fewest running for their concurrency, then fewest queued, then load1. */
  leastLoadedAgents(query: AgentSelection & { offering: string | null; limit: number }): Promise<LoadedCandidate[]>;
  /** Ends the right to connect; signals the holder of a live session. False when there is no such agent. */
  revokeAgent(companyId: string, agentId: string): Promise<boolean>;
  /**
   * Takes an agent out of service, or puts it back. The wish outlives sessions and servers; while it stands, `assign` gives
   * the agent nothing in the work lane, whoever asks. Taken back, the holder of its session is woken. Repeatable. False when
   * the company has no such agent.
   */
  requestDrain(companyId: string, agentId: string, wanted: boolean): Promise<boolean>;
  /** Also dates them. */
  putFacts(agentId: string, facts: JsonObject): Promise<void>;
  /** Agents online by fleet, all companies; may be up to 15 s old. */
  onlineByFleet(): Promise<Map<string, number>>;
}
