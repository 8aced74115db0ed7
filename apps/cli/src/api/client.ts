import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { readAgent, readJoinToken, type AgentView, type JoinTokenView } from "./agent.ts";
import { readCommand, type CommandView } from "./command.ts";
import { wasCutOff, type Http, type Query } from "./http.ts";
import { AnswerRecord } from "./record.ts";

/** The body of `POST /commands`. */
export interface CommandRequest {
  agentId: string;
  type?: string;
  command?: string;
  args?: string[];
  parameters?: Record<string, unknown>;
  timeoutSeconds?: number;
  priority?: number;
  idempotencyKey?: string;
  idempotent?: boolean;
  expiresAt?: string;
  allowUnknownAgent?: boolean;
  retry?: { maxAttempts: number };
}

export interface Page<T> {
  json: Record<string, unknown>;
  items: T[];
  nextCursor: string | null;
}

interface NewJoinToken {
  fleet?: string;
  agentId?: string;
  uses?: number;
  ttlSeconds?: number;
}

/** The routes that the CLI uses. Every method throws a CliFailure. */
export interface Client {
  readonly http: Http;
  /** Safe to repeat: an own idempotency key is sent where the request has none, and a cut connection is tried again. */
  send(request: CommandRequest): Promise<{ commandId: string; status: string; json: Record<string, unknown> }>;
  command(commandId: string): Promise<CommandView>;
  commands(query: Query): Promise<Page<CommandView>>;
  cancel(commandId: string): Promise<CommandView>;
  output(commandId: string, query: Query): Promise<Readable>;
  agent(agentId: string): Promise<AgentView>;
  agents(query: Query): Promise<Page<AgentView>>;
  revokeAgent(agentId: string): Promise<void>;
  createJoinToken(token: NewJoinToken): Promise<{ token: string; view: JoinTokenView }>;
  joinTokens(): Promise<Page<JoinTokenView>>;
  revokeJoinToken(tokenId: string): Promise<void>;
}

const sendTries = 4;

export function createClient(http: Http): Client {
  return {
    http,
    command: async (commandId) => readCommand(await http.call("GET", `/commands/${segment(commandId)}`)),
    async send(request) {
      const body = { ...request, idempotencyKey: request.idempotencyKey ?? `cli-${randomUUID()}` };
      const record = new AnswerRecord(await repeatIfCut(() => http.call("POST", "/commands", { body })));
      return { commandId: record.text("commandId"), status: record.text("status"), json: record.json };
    },
    commands: async (query) => readPage(await http.call("GET", "/commands", { query }), readCommand),
    cancel: async (commandId) => readCommand(await http.call("POST", `/commands/${segment(commandId)}/cancel`)),
    output: (commandId, query) => http.open(`/commands/${segment(commandId)}/output`, { query }),
    agent: async (agentId) => readAgent(await http.call("GET", `/agents/${segment(agentId)}`)),
    agents: async (query) => readPage(await http.call("GET", "/agents", { query }), readAgent),
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

/** An id from the command line is one path segment, whatever it holds. */
function segment(id: string): string {
  // "." and ".." survive encodeURIComponent and would change the path.
  return /^\.+$/.test(id) ? id.replaceAll(".", "%252E") : encodeURIComponent(id.toWellFormed());
}

function readPage<T>(json: unknown, read: (item: unknown) => T): Page<T> {
  const record = new AnswerRecord(json);
  return { json: record.json, items: record.list("items").map(read), nextCursor: record.optionalText("nextCursor") };
}

async function repeatIfCut<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries >= sendTries || !wasCutOff(error)) throw error;
      await pause(Math.random() * 200 * 2 ** tries);
    }
  }
}
