import { createHash } from "node:crypto";
import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import type { EnrollRequest, EnrollResponseInput } from "@fleetwire/proto";
import { FleetwireError, toGrpcStatus, type Clock, type Logger } from "@fleetwire/service";
import type { CommandStore } from "../store/command-store.ts";
import { agentErrors } from "./agent-errors.ts";
import { createFailureLimit, type FailureLimit } from "./failure-limit.ts";
import * as check from "./field-checks.ts";
import { ProtocolError } from "./protocol-error.ts";

/** The `Enroll` call: trades a join token for the right to connect. Errors are those that agent.proto names. */
export function createEnrolHandler(o: {
  store: CommandStore;
  log: Logger;
  clock: Clock;
}): handleUnaryCall<EnrollRequest, EnrollResponseInput> {
  // Join tokens can't be guessed; this keeps an agent that retries a wrong one from costing anything.
  const failures = createFailureLimit({ burst: 30, perSecond: 0.5, maxKeys: 10_000, clock: o.clock });
  async function respond(
    call: ServerUnaryCall<EnrollRequest, EnrollResponseInput>,
    callback: sendUnaryData<EnrollResponseInput>,
  ): Promise<void> {
    try {
      callback(null, await enrol(call.request, peerAddress(call.getPeer()), { ...o, failures }));
    } catch (error) {
      // What the agent isn't told has to be in the log.
      if (!(error instanceof FleetwireError) || error.kind === "internal")
        o.log.error({ err: error }, "an enrolment failed");
      callback(toGrpcStatus(error));
    }
  }
  return (call, callback) => void respond(call, callback);
}

async function enrol(
  request: EnrollRequest,
  peer: string,
  o: { store: CommandStore; log: Logger; failures: FailureLimit },
): Promise<EnrollResponseInput> {
  if (o.failures.blocked(peer))
    throw new FleetwireError(agentErrors.too_many_attempts, undefined, { retryAfterMs: 2_000 });
  const { agentId, tokenHash, publicKey, hostname } = readRequest(request);
  const outcome = await o.store.enrol({ agentId, tokenHash, publicKey, hostname });
  if (outcome.kind === "enrolled") {
    o.log.info({ agentId, companyId: outcome.companyId, fleet: outcome.fleet, peer }, "agent enrolled");
    return { agentId, companyId: outcome.companyId, fleet: outcome.fleet };
  }
  o.failures.failed(peer);
  const error = new FleetwireError(
    outcome.kind === "id_taken" ? agentErrors.agent_id_taken : agentErrors.join_token_invalid,
  );
  o.log.warn({ agentId, peer, code: error.code }, "enrolment refused");
  throw error;
}

function readRequest(request: EnrollRequest): {
  agentId: string;
  tokenHash: string;
  publicKey: Buffer;
  hostname: string;
} {
  const { joinToken, publicKey } = request;
  if (publicKey.length !== 32) throw invalid("public_key isn't 32 bytes");
  if (joinToken === "" || joinToken.length > 512) throw invalid("join_token isn't 1 to 512 characters");
  try {
    return {
      agentId: check.agentId(request.agentId),
      tokenHash: createHash("sha256").update(joinToken).digest("hex"),
      publicKey,
      hostname: check.words(request.hostname, 255),
    };
  } catch (error) {
    throw error instanceof ProtocolError ? invalid(error.message) : error;
  }
}

function invalid(message: string): FleetwireError {
  return new FleetwireError(agentErrors.invalid_request, message);
}

/** The peer without its port: `10.0.0.7:4711`, `::1:4711` as grpc-js writes them. */
function peerAddress(peer: string): string {
  const colon = peer.lastIndexOf(":");
  return colon > 0 ? peer.slice(0, colon) : peer;
}
