import { setTimeout as pause } from "node:timers/promises";
import { Type, type Static, type TSchema } from "typebox";
import { Compile } from "typebox/compile";

const instant = Type.Optional(Type.String());
const created = Type.Object({ token: Type.String() });
const agent = Type.Object({ status: Type.String() });
const queued = Type.Object({ commandId: Type.String() });
const commandAnswer = Type.Object({
  status: Type.String(),
  queuedAt: instant,
  assignedAt: instant,
  startedAt: instant,
  finishedAt: instant,
  result: Type.Optional(
    Type.Object({
      exitCode: Type.Union([Type.Integer(), Type.Null()]),
      output: Type.Optional(Type.String()),
      error: Type.Optional(Type.String()),
      errorMessage: Type.Optional(Type.String()),
    }),
  ),
});

/** A command as the server tells it; instants are RFC 3339. */
export type CommandAnswer = Static<typeof commandAnswer>;

/** The few calls that standalone makes as an operator of its own command-server, over HTTP like any other client. */
export interface OperatorApi {
  /** Resolves to the token. */
  createJoinToken(body: { agentId?: string; uses?: number; ttlSeconds?: number }): Promise<string>;
  /** Null: no such agent. */
  agentStatus(agentId: string): Promise<string | null>;
  revokeAgent(agentId: string): Promise<void>;
  /** Resolves to the command's id. */
  queueShell(agentId: string, line: string): Promise<string>;
  /** Resolves when the command has ended; rejects when `signal` aborts. */
  waitForEnd(commandId: string, signal: AbortSignal): Promise<CommandAnswer>;
}

const answerMs = 10_000;

/** Every method rejects with the server's own words where it refuses. */
export function createOperatorApi(url: string, token: string): OperatorApi {
  const headers = { authorization: `Bearer ${token}` };

  async function call(method: string, path: string, body?: object, signal = AbortSignal.timeout(answerMs)) {
    const response = await fetch(new URL(path, url), {
      method,
      signal,
      headers: body ? { ...headers, "content-type": "application/json" } : headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, ok: response.ok, text, what: `${method} ${path}` };
  }

  return {
    createJoinToken: async (body) => read(created, await call("POST", "/join-tokens", body)).token,
    async agentStatus(agentId) {
      const answer = await call("GET", `/agents/${agentId}`);
      return answer.status === 404 ? null : read(agent, answer).status;
    },
    async revokeAgent(agentId) {
      const answer = await call("POST", `/agents/${agentId}/revoke`);
      if (!answer.ok) throw refused(answer);
    },
    async queueShell(agentId, line) {
      const body = { agentId, command: line, timeoutSeconds: 30 };
      return read(queued, await call("POST", "/commands", body)).commandId;
    },
    async waitForEnd(commandId, signal) {
      await readToEnd(new URL(`/commands/${commandId}/output?follow=true`, url), headers, signal);
      while (true) {
        const command = read(commandAnswer, await call("GET", `/commands/${commandId}`, undefined, signal));
        if (command.finishedAt !== undefined) return command;
        // Only where the stream broke off before the end.
        await pause(50, undefined, { signal });
      }
    },
  };
}

interface Answer {
  status: number;
  ok: boolean;
  text: string;
  what: string;
}

function read<T extends TSchema>(schema: T, answer: Answer): Static<T> {
  if (!answer.ok) throw refused(answer);
  const content: unknown = JSON.parse(answer.text);
  const checker = Compile(schema);
  if (checker.Check(content)) return content;
  throw new Error(`${answer.what} answered something else than expected: ${answer.text.slice(0, 200)}`);
}

function refused({ what, status, text }: Answer): Error {
  return new Error(`${what} answered ${status}: ${text.slice(0, 500)}`);
}

/** Reads the command's event stream until the server ends it, which it does after the command's end. */
async function readToEnd(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { headers, signal });
  await response.body?.pipeTo(new WritableStream());
}
