import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentService, type EnrollResponse } from "@fleetwire/proto";
import type { Logger } from "@fleetwire/service";
import { type ServiceError, status } from "@grpc/grpc-js";
import { createBackoff } from "../connection/backoff.ts";
import { codeOf } from "../connection/grpc-stream.ts";
import type { ServerChannel } from "../connection/server-address.ts";
import { AgentError, exitCodes } from "../exit-codes.ts";
import { writeDurably } from "./durable-file.ts";
import type { Identity } from "./identity.ts";

/** What the server said when the agent enrolled. */
export interface Enrolment {
  agentId: string;
  companyId: string;
  fleet: string;
}

export interface EnrolOptions {
  agentId: string;
  joinToken: string | undefined;
  dataDirectory: string;
  identity: Identity;
  channel: ServerChannel;
  log: Logger;
  /** Ends the waiting for a server that can't be reached. */
  signal: AbortSignal;
}

const callDeadlineMs = 10_000;

/**
 * Enrols the agent unless `enrolled.json` says that it is. A crash between the server's answer and that file is made
 * good by enrolling again: the same key costs the token nothing. A server that can't be reached is tried for ever.
 *
 * @throws AgentError `refused`: the token isn't valid or the id is taken; `badSettings`: no token, another id, a wrong id.
 */
export async function ensureEnrolled(options: EnrolOptions): Promise<Enrolment> {
  const known = readEnrolment(options.dataDirectory);
  if (known === null) return enrol(options);
  if (known.agentId === options.agentId) return known;
  const { dataDirectory, agentId } = options;
  throw new AgentError(
    exitCodes.badSettings,
    `${dataDirectory} belongs to the agent ${known.agentId}; use another --data-dir for ${agentId}`,
  );
}

/** Enrols the agent, again where it was; see {@link ensureEnrolled} for errors. */
export async function enrol(options: EnrolOptions): Promise<Enrolment> {
  const { agentId, joinToken, dataDirectory, identity, log, signal } = options;
  if (joinToken === undefined) {
    throw new AgentError(
      exitCodes.badSettings,
      `the agent ${agentId} isn't enrolled yet: give it a join token once (--join-token or FLEETWIRE_JOIN_TOKEN)`,
    );
  }
  const backoff = createBackoff({ baseMs: 250, capMs: 30_000 });
  for (;;) {
    try {
      const { companyId, fleet } = await callEnroll(options, joinToken);
      const enrolment: Enrolment = { agentId, companyId, fleet };
      writeDurably(join(dataDirectory, "enrolled.json"), `${JSON.stringify(enrolment)}\n`);
      log.info({ companyId, fleet, key: identity.fingerprint }, "agent enrolled");
      return enrolment;
    } catch (error) {
      const failure = asFailure(error, agentId);
      if (failure instanceof AgentError) throw failure;
      const waitMs = backoff.next();
      log.warn({ server: options.channel.target, reason: failure, waitMs }, "can't enrol yet: trying again");
      await sleep(waitMs, undefined, { signal });
    }
  }
}

async function callEnroll({ agentId, identity, channel }: EnrolOptions, joinToken: string): Promise<EnrollResponse> {
  const client = new AgentService(channel.target, channel.credentials, channel.options);
  const { promise, resolve, reject } = Promise.withResolvers<EnrollResponse>();
  const request = { agentId, joinToken, publicKey: identity.publicKey, hostname: hostname() };
  client.enroll(request, { deadline: Date.now() + callDeadlineMs }, (error, response) => {
    if (error !== null) reject(error);
    else if (response === undefined) reject(new Error("an empty answer"));
    else resolve(response);
  });
  try {
    return await promise;
  } finally {
    client.close();
  }
}

/** What can't be helped by trying again is an AgentError; else the reason in words. */
function asFailure(error: unknown, agentId: string): AgentError | string {
  if (error instanceof AgentError) return error;
  if (!(error instanceof Error) || !("code" in error) || !("metadata" in error)) throw error;
  const { code, metadata, details } = error as ServiceError;
  const reason = codeOf(metadata) || details;
  switch (code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return new AgentError(
        exitCodes.refused,
        `the join token isn't valid: unknown, used up, expired or revoked (${reason})`,
      );
    case status.ALREADY_EXISTS:
      return new AgentError(
        exitCodes.refused,
        `the id ${agentId} is bound to another key: revoke that agent first, or choose another --id (${reason})`,
      );
    case status.INVALID_ARGUMENT:
      return new AgentError(exitCodes.badSettings, `the server refused the enrolment of ${agentId}: ${details}`);
    default:
      return `${status[code]}: ${details}`;
  }
}

function readEnrolment(dataDirectory: string): Enrolment | null {
  const path = join(dataDirectory, "enrolled.json");
  if (!existsSync(path)) return null;
  try {
    const read = JSON.parse(readFileSync(path, "utf8")) as Partial<Enrolment>;
    if (typeof read.agentId !== "string") return null;
    return { agentId: read.agentId, companyId: read.companyId ?? "", fleet: read.fleet ?? "" };
  } catch {
    // Not written by this agent as it is: enrolling again repairs it.
    return null;
  }
}
