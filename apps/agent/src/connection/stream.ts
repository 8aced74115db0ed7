import type { AgentMessageInput, ServerMessage } from "@fleetwire/proto";

/** Why a stream ended: a gRPC status, and the server's own code where it gave one. */
export interface StreamEnd {
  /** gRPC status name, such as `UNAVAILABLE`. */
  status: string;
  /** The server's code, such as `agent_id_in_use`; empty where there is none. */
  code: string;
  details: string;
}

export interface StreamEvents {
  message(message: ServerMessage): void;
  /** There is room again after a `write` that returned false. */
  drained(): void;
  /** Comes once, and last. */
  ended(end: StreamEnd): void;
}

/** One stream to a server. What carries it is gRPC in production and memory in tests. */
export interface ServerStream {
  /** False: wait for `drained` before the next one. */
  write(message: AgentMessageInput): boolean;
  /** Ends it after what was written. */
  end(): void;
  /** Ends it now. */
  cancel(): void;
}

export type OpenStream = (events: StreamEvents) => ServerStream;
