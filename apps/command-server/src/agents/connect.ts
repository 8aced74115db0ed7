import { randomBytes, randomInt } from "node:crypto";
import type { handleBidiStreamingCall } from "@grpc/grpc-js";
import type { AgentMessage, GoAwayInput, ServerMessageInput } from "@fleetwire/proto";
import { FleetwireError, toGrpcStatus } from "@fleetwire/service";
import type { Admission, Ticket } from "./admission.ts";
import { agentErrors } from "./agent-errors.ts";
import { AgentStream } from "./agent-stream.ts";
import { openSession, type Greeted } from "./greet.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { SessionContext } from "./session.ts";
import { frameKind } from "./session-metrics.ts";

export interface ConnectOptions {
  context: SessionContext;
  serverId: string;
  admission: Admission;
  /** True once agents are to go elsewhere. */
  stopping(): boolean;
  /** Streams that aren't welcomed yet; emptied by the handler itself. */
  handshakes: Set<AgentStream>;
  /** Takes over the stream of a welcomed agent. */
  welcomed(greeted: Greeted): void;
}

/**
 * The `Connect` call up to Welcome: Challenge at once, Hello within its time, verified, and a session opened in the
 * store. What comes after is `session.ts`, whose table has the states.
 */
export function createConnectHandler(o: ConnectOptions): handleBidiStreamingCall<AgentMessage, ServerMessageInput> {
  const { settings } = o.context;
  const limits = {
    maxFrames: settings.sendQueueLimit,
    maxBytes: settings.sendQueueBytes,
    flushGraceMs: settings.flushGraceMs,
  };
  return (call) => {
    const stream = new AgentStream(call, limits);
    if (o.stopping()) {
      turnAway(o, stream, "server_stopping", randomInt(500, 10_000));
      return;
    }
    const arrived = o.admission.arrive();
    if (typeof arrived === "number") turnAway(o, stream, "overloaded", arrived);
    else challenge(o, stream, arrived);
  };
}

function challenge(o: ConnectOptions, stream: AgentStream, ticket: Ticket): void {
  const { settings, metrics } = o.context;
  const nonce = randomBytes(32);
  const timer = setTimeout(
    () => refuse(o, stream, new FleetwireError(agentErrors.hello_timeout)),
    settings.helloTimeoutMs,
  );
  const settled = (): void => {
    clearTimeout(timer);
    o.handshakes.delete(stream);
    ticket.leave();
  };
  o.handshakes.add(stream);
  stream.listen({
    frame: (message) => {
      clearTimeout(timer);
      // One Hello; what follows waits for Welcome.
      stream.pause();
      metrics.frames.inc({ direction: "in", kind: frameKind(message) });
      void answer(o, stream, ticket, nonce, message).finally(settled);
    },
    ended: () => {
      settled();
      stream.finish(null);
    },
    overflow: () => stream.reset(),
    closed: settled,
  });
  metrics.frames.inc({ direction: "out", kind: "challenge" });
  stream.send({ challenge: { nonce } });
}

async function answer(
  o: ConnectOptions,
  stream: AgentStream,
  ticket: Ticket,
  nonce: Buffer,
  message: AgentMessage,
): Promise<void> {
  await ticket.turn();
  // It may have gone while it waited.
  if (stream.over) return;
  try {
    o.welcomed(await openSession({ stream, nonce, message, serverId: o.serverId, context: o.context }));
  } catch (error) {
    refuse(o, stream, error);
  }
}

/** Ends a stream that isn't welcomed, with the code that says why. */
function refuse(o: ConnectOptions, stream: AgentStream, error: unknown): void {
  const { log, metrics } = o.context;
  const { peer } = stream;
  if (error instanceof ProtocolError) {
    const known = new FleetwireError(agentErrors.protocol_error, error.message);
    metrics.refusedHellos.inc({ code: known.code });
    log.warn({ peer, code: known.code, detail: error.message }, "agent refused");
    const goAway = {
      reason: "GO_AWAY_REASON_PROTOCOL_ERROR",
      afterMs: randomInt(5_000, 15_000),
      reconnect: true,
    } as const;
    stream.finish(toGrpcStatus(known), { last: { goAway: { ...goAway, message: error.message } } });
    return;
  }
  const code = error instanceof FleetwireError ? error.code : "internal_error";
  metrics.refusedHellos.inc({ code });
  if (error instanceof FleetwireError && error.kind !== "internal")
    log.warn({ peer, code, ...error.details }, "agent refused");
  else log.error({ err: error, peer, code }, "agent refused");
  stream.finish(toGrpcStatus(error));
}

const turnedAway = {
  overloaded: { reason: "GO_AWAY_REASON_OVERLOADED", message: agentErrors.overloaded.message },
  server_stopping: { reason: "GO_AWAY_REASON_SERVER_STOPPING", message: agentErrors.server_stopping.message },
} as const satisfies Record<string, GoAwayInput>;

// Made once: in a herd this is said thousands of times, and an error has a stack.
const turnedAwayStatus = {
  overloaded: toGrpcStatus(new FleetwireError(agentErrors.overloaded)),
  server_stopping: toGrpcStatus(new FleetwireError(agentErrors.server_stopping)),
};

/** Tells an agent to come back after `afterMs`, before anything else is done for it. */
function turnAway(o: ConnectOptions, stream: AgentStream, code: keyof typeof turnedAway, afterMs: number): void {
  o.context.metrics.refusedHellos.inc({ code });
  const goAway = { ...turnedAway[code], afterMs, reconnect: true };
  stream.finish(turnedAwayStatus[code], { last: { goAway } });
}
