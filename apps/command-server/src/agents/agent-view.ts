import { Type, type Static } from "typebox";
import { disconnectReasons, type Agent } from "../store/command-store.ts";

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
    draining: Type.Boolean({ description: "It finishes what it has and takes no more." }),
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
      Type.Object({}, { additionalProperties: true, description: "Its inventory, by the last FACTS; not in lists." }),
    ),
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
    epoch: agent.epoch,
    serverId: agent.serverId,
    enrolledAt: agent.enrolledAt.toISOString(),
    ...(agent.connectedAt === null ? {} : { connectedAt: agent.connectedAt.toISOString() }),
    ...(agent.lastSeenAt === null ? {} : { lastSeenAt: agent.lastSeenAt.toISOString() }),
    ...(agent.disconnectedAt === null ? {} : { disconnectedAt: agent.disconnectedAt.toISOString() }),
    ...(agent.disconnectReason === null ? {} : { disconnectReason: agent.disconnectReason }),
    ...(agent.disconnectDetail === null ? {} : { disconnectDetail: agent.disconnectDetail }),
    ...(agent.load === null ? {} : { load: agent.load }),
    ...(options.facts && agent.facts !== null ? { facts: agent.facts } : {}),
  };
}
