import { Type, type Static } from "typebox";
import { disconnectReasons, type Agent, type SessionRecord } from "../store/command-store.ts";

const Instant = Type.String({ format: "date-time" });

const agentStatuses = ["online", "offline", "revoked"] as const;
export const AgentStatusSchema = Type.Enum([...agentStatuses]);

export const AgentSchema = Type.Object(
  {
    agentId: Type.String(),
    status: AgentStatusSchema,
    fleet: Type.String({ description: "Empty: in none." }),
    labels: Type.Record(Type.String(), Type.String()),
    types: Type.Array(
      Type.Object({
        type: Type.String(),
        parametersSchema: Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()]),
      }),
      { description: "The commands that it offers, with the JSON Schema of their parameters (null: any object)." },
    ),
    concurrency: Type.Integer(),
    hostname: Type.String(),
    platform: Type.String(),
    version: Type.String(),
    draining: Type.Boolean({ description: "It finishes what it has and gets no more." }),
    drainReasons: Type.Array(Type.Enum(["operator", "agent"]), {
      description: "Why it drains: an operator took it out of service, or the agent itself is stopping.",
    }),
    drainRequestedAt: Type.Optional(Instant),
    epoch: Type.Integer({ description: "Number of its current or last session." }),
    serverId: Type.Union([Type.String(), Type.Null()], { description: "Where its session is." }),
    enrolledAt: Instant,
    connectedAt: Type.Optional(Instant),
    lastSeenAt: Type.Optional(Instant),
    disconnectedAt: Type.Optional(Instant),
    disconnectReason: Type.Optional(Type.Enum([...disconnectReasons])),
    disconnectDetail: Type.Optional(Type.String()),
    load: Type.Optional(Type.Object({ running: Type.Integer(), load1: Type.Number(), freeMemoryBytes: Type.Number() })),
    facts: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: "Its inventory, as it last told; not in lists." }),
    ),
    factsAt: Type.Optional(Type.String({ format: "date-time", description: "When its facts came." })),
  },
  { title: "Agent" },
);

export type AgentView = Static<typeof AgentSchema>;

/** An agent as the HTTP API shows it; its facts only where one agent is asked for. */
export function viewAgent(agent: Agent, options: { facts: boolean }): AgentView {
  return {
    agentId: agent.agentId,
    status: agent.status,
    fleet: agent.fleet,
    labels: agent.labels,
    types: agent.types,
    concurrency: agent.concurrency,
    hostname: agent.hostname,
    platform: agent.platform,
    version: agent.version,
    draining: agent.draining,
    drainReasons: agent.drainReasons,
    ...(agent.drainRequestedAt === null ? {} : { drainRequestedAt: agent.drainRequestedAt.toISOString() }),
    epoch: agent.epoch,
    serverId: agent.serverId,
    enrolledAt: agent.enrolledAt.toISOString(),
    ...(agent.connectedAt === null ? {} : { connectedAt: agent.connectedAt.toISOString() }),
    ...(agent.lastSeenAt === null ? {} : { lastSeenAt: agent.lastSeenAt.toISOString() }),
    ...(agent.disconnectedAt === null ? {} : { disconnectedAt: agent.disconnectedAt.toISOString() }),
    ...(agent.disconnectReason === null ? {} : { disconnectReason: agent.disconnectReason }),
    ...(agent.disconnectDetail === null ? {} : { disconnectDetail: agent.disconnectDetail }),
    ...(agent.load === null ? {} : { load: agent.load }),
    ...(agent.factsAt === null ? {} : { factsAt: agent.factsAt.toISOString() }),
    ...(options.facts && agent.facts !== null ? { facts: agent.facts } : {}),
  };
}

export const SessionSchema = Type.Object(
  {
    epoch: Type.Integer(),
    serverId: Type.String({ description: "Which server held it." }),
    connectedAt: Instant,
    disconnectedAt: Type.Optional(Type.String({ format: "date-time", description: "Absent while it is open." })),
    reason: Type.Optional(Type.Enum([...disconnectReasons])),
    detail: Type.Optional(Type.String()),
  },
  { title: "AgentSession" },
);

export function viewSession(session: SessionRecord): Static<typeof SessionSchema> {
  const { epoch, serverId, connectedAt, disconnectedAt, reason, detail } = session;
  return {
    epoch,
    serverId,
    connectedAt: connectedAt.toISOString(),
    ...(disconnectedAt === null ? {} : { disconnectedAt: disconnectedAt.toISOString() }),
    ...(reason === null ? {} : { reason }),
    ...(detail === null ? {} : { detail }),
  };
}
