import type { Readable } from "node:stream";
import {
  readAgent,
  readJoinToken,
  readSession,
  type AgentView,
  type JoinTokenView,
  type SessionView,
} from "./agent.ts";
import { newKey, type Page, readPage, repeatIfCut, segment } from "./calls.ts";
import { readCommand, type CommandView } from "./command.ts";
import type { Http, Query } from "./http.ts";
import { AnswerRecord } from "./record.ts";
import type { CommandRequest } from "./request.ts";
import { createRolloutClient, type RolloutClient } from "./rollout-client.ts";

interface NewJoinToken {
  fleet?: string;
  agentId?: string;
  uses?: number;
  ttlSeconds?: number;
}

/** The routes that the CLI uses. Every method throws a CliFailure. */
export interface Client {
  readonly http: Http;
  readonly rollouts: RolloutClient;
  /** Safe to repeat: an own idempotency key is sent where the request has none, and a cut connection is tried again. */
  send(request: CommandRequest): Promise<{ commandId: string; status: string; json: Record<string, unknown> }>;
  command(commandId: string): Promise<CommandView>;
  commands(query: Query): Promise<Page<CommandView>>;
  cancel(commandId: string): Promise<CommandView>;
  output(commandId: string, query: Query): Promise<Readable>;
  agent(agentId: string): Promise<AgentView>;
  agents(query: Query): Promise<Page<AgentView>>;
  /** Takes it out of service, or puts it back; the agent as it is then. */
  drain(agentId: string, wanted: boolean): Promise<AgentView>;
  agentSessions(agentId: string, query: Query): Promise<Page<SessionView>>;
  revokeAgent(agentId: string): Promise<void>;
  createJoinToken(token: NewJoinToken): Promise<{ token: string; view: JoinTokenView }>;
  joinTokens(): Promise<Page<JoinTokenView>>;
  revokeJoinToken(tokenId: string): Promise<void>;
}

export function createClient(http: Http): Client {
  return {
    http,
    rollouts: createRolloutClient(http),
    command: async (commandId) => readCommand(await http.call("GET", `/commands/${segment(commandId)}`)),
    async send(request) {
      const body = { ...request, idempotencyKey: request.idempotencyKey ?? newKey() };
      const record = new AnswerRecord(await repeatIfCut(() => http.call("POST", "/commands", { body })));
      return { commandId: record.text("commandId"), status: record.text("status"), json: record.json };
    },
    commands: async (query) => readPage(await http.call("GET", "/commands", { query }), readCommand),
    cancel: async (commandId) => readCommand(await http.call("POST", `/commands/${segment(commandId)}/cancel`)),
    output: (commandId, query) => http.open(`/commands/${segment(commandId)}/output`, { query }),
    agent: async (agentId) => readAgent(await http.call("GET", `/agents/${segment(agentId)}`)),
    agents: async (query) => readPage(await http.call("GET", "/agents", { query }), readAgent),
    drain: async (agentId, wanted) =>
      readAgent(await http.call("POST", `/agents/${segment(agentId)}/${wanted ? "drain" : "undrain"}`)),
    agentSessions: async (agentId, query) =>
      readPage(await http.call("GET", `/agents/${segment(agentId)}/sessions`, { query }), readSession),
    async revokeAgent(agentId) {
      await http.call("POST", `/agents/${segment(agentId)}/revoke`);
    },
    async createJoinToken(token) {
      const record = new AnswerRecord(await http.call("POST", "/join-tokens", { body: token }));
      return { token: record.text("token"), view: readJoinToken(record.json) };
    },
    joinTokens: async () => readPage(await http.call("GET", "/join-tokens"), readJoinToken),
    async revokeJoinToken(tokenId) {
      await http.call("DELETE", `/join-tokens/${segment(tokenId)}`);
    },
  };
}
