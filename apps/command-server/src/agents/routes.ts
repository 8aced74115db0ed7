import { FleetwireError, httpErrors, type FastifyServer } from "@fleetwire/service";
import { Type } from "typebox";
import { agentIdPattern } from "../commands/command-request.ts";
import { errors, refusals } from "../errors.ts";
import { keptSessions, type CommandStore } from "../store/command-store.ts";
import { storeErrors } from "../store/errors.ts";
import { AgentSchema, AgentStatusSchema, SessionSchema, viewAgent, viewSession } from "./agent-view.ts";

const AgentParams = Type.Object({ id: Type.String({ description: "agentId" }) });

const ListQuery = Type.Object({
  fleet: Type.Optional(Type.String({ maxLength: 128 })),
  status: Type.Optional(AgentStatusSchema),
  label: Type.Optional(
    Type.Array(Type.String({ pattern: "^[^=]{1,128}=.{0,128}$" }), {
      maxItems: 16,
      description: "`key=value`; several must all be there: ?label=zone=a&label=arch=arm64",
    }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
});

const agentIdForm = new RegExp(agentIdPattern);

/** Operators' view of the agents of their company. */
export function registerAgentRoutes(http: FastifyServer, deps: { store: CommandStore }): void {
  const { store } = deps;

  http.get(
    "/agents",
    {
      config: { scope: "agents:read" },
      schema: {
        summary: "List agents by id",
        description: refusals(storeErrors.invalid_cursor),
        tags: ["agents"],
        querystring: ListQuery,
        response: {
          200: Type.Object({ items: Type.Array(AgentSchema), nextCursor: Type.Union([Type.String(), Type.Null()]) }),
        },
      },
    },
    async (request) => {
      const { fleet, status, label, limit, cursor } = request.query;
      const page = await store.listAgents({
        companyId: request.principal.companyId,
        ...(fleet === undefined ? {} : { fleet }),
        ...(status === undefined ? {} : { status }),
        ...(label === undefined ? {} : { labels: readLabels(label) }),
        limit: limit ?? 50,
        cursor: cursor ?? null,
      });
      return { items: page.items.map((agent) => viewAgent(agent, { facts: false })), nextCursor: page.nextCursor };
    },
  );

  http.get(
    "/agents/:id",
    {
      config: { scope: "agents:read" },
      schema: {
        summary: "One agent",
        description: refusals(errors.agent_unknown),
        tags: ["agents"],
        params: AgentParams,
        response: { 200: AgentSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const agent = agentIdForm.test(id) ? await store.getAgent(request.principal.companyId, id) : null;
      return agent === null ? unknownAgent() : viewAgent(agent, { facts: true });
    },
  );

  http.get(
    "/agents/:id/sessions",
    {
      config: { scope: "agents:read" },
      schema: {
        summary: "An agent's sessions, newest first",
        description: `The open one and those that ended, with the reason: the last ${keptSessions}. ${refusals(errors.agent_unknown)}`,
        tags: ["agents"],
        params: AgentParams,
        querystring: Type.Object({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: keptSessions })),
        }),
        response: {
          200: Type.Object({ items: Type.Array(SessionSchema), nextCursor: Type.Null() }),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const limit = request.query.limit ?? keptSessions;
      const sessions = agentIdForm.test(id) ? await store.agentSessions(request.principal.companyId, id, limit) : null;
      return sessions === null ? unknownAgent() : { items: sessions.map(viewSession), nextCursor: null };
    },
  );

  registerDrain(http, store, {
    path: "/agents/:id/drain",
    wanted: true,
    summary: "Take an agent out of service",
    description:
      "It finishes what runs and gets no more work, until it is undrained; queued commands wait. PING, FACTS, STOP and RESTART still reach it.",
  });
  registerDrain(http, store, {
    path: "/agents/:id/undrain",
    wanted: false,
    summary: "Put an agent back into service",
    description: "What waited for it is given out at once.",
  });

  http.post(
    "/agents/:id/revoke",
    {
      config: { scope: "agents:write" },
      schema: {
        summary: "End an agent's right to connect",
        description: `Drops its live session. The id can be enrolled anew with a join token. ${refusals(errors.agent_unknown)}`,
        tags: ["agents"],
        params: AgentParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!agentIdForm.test(id) || !(await store.revokeAgent(request.principal.companyId, id))) unknownAgent();
      return reply.code(204).send(null);
    },
  );
}

/** One of the two ways; both answer with the agent as it is then. */
function registerDrain(
  http: FastifyServer,
  store: CommandStore,
  o: { path: string; wanted: boolean; summary: string; description: string },
): void {
  const { path, wanted, summary } = o;
  http.post(
    path,
    {
      config: { scope: "agents:write" },
      schema: {
        summary,
        description: `${o.description} ${refusals(errors.agent_unknown)}`,
        tags: ["agents"],
        params: AgentParams,
        response: { 200: AgentSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { companyId, kind, id: by } = request.principal;
      if (!agentIdForm.test(id) || !(await store.requestDrain(companyId, id, wanted))) unknownAgent();
      request.log.info({ agentId: id, companyId, wanted, by: `${kind}:${by}` }, "an operator's drain changed");
      const agent = await store.getAgent(companyId, id);
      return agent === null ? unknownAgent() : viewAgent(agent, { facts: false });
    },
  );
}

function readLabels(pairs: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const key = pair.slice(0, at);
    const value = pair.slice(at + 1);
    if (labels[key] !== undefined && labels[key] !== value) {
      throw new FleetwireError(httpErrors.invalid_request, "A label can't have two values at once.");
    }
    labels[key] = value;
  }
  return labels;
}

function unknownAgent(): never {
  throw new FleetwireError(errors.agent_unknown);
}
