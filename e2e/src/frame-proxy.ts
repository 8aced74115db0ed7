import {
  Server,
  ServerCredentials,
  credentials,
  status,
  type ClientDuplexStream,
  type ServerDuplexStream,
} from "@grpc/grpc-js";
import {
  AgentService,
  type AgentMessage,
  type AgentMessageInput,
  type AgentServiceHandlers,
  type ServerMessage,
  type ServerMessageInput,
} from "@fleetwire/proto";

/** What the proxy does to each frame after the handshake; probabilities 0–1. */
export interface FrameFaults {
  duplicate: number;
  /** A frame is held back and goes out after the next one (or after 50 ms, when none follows). */
  reorder: number;
}

export interface FrameProxy {
  /** `127.0.0.1:port`, for an agent's --server. */
  readonly address: string;
  readonly counts: { forwarded: number; duplicated: number; reordered: number };
  close(): void;
}

/**
 * Stands between agents and the server as a gRPC peer of both, and duplicates and reorders the frames of `Connect`.
 * Challenge, Hello and Welcome pass unchanged: a session begins before frames can go astray.
 *
 * @param seed makes the same choices again.
 */
export async function startFrameProxy(upstream: string, faults: FrameFaults, seed: number): Promise<FrameProxy> {
  const random = mulberry32(seed);
  const counts = { forwarded: 0, duplicated: 0, reordered: 0 };
  const client = new AgentService(upstream, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  const server = new Server();
  const handlers: AgentServiceHandlers = {
    Enroll: (call, answer) => {
      client.enroll(call.request, (error, response) =>
        answer(error ? { code: error.code, details: error.details, metadata: error.metadata } : null, response),
      );
    },
    Connect: (down: ServerDuplexStream<AgentMessage, ServerMessageInput>) => {
      const up: ClientDuplexStream<AgentMessageInput, ServerMessage> = client.connect();
      const toServer = astray<AgentMessage>((frame) => up.write(frame), random, faults, counts);
      const toAgent = astray<ServerMessage>((frame) => down.write(frame), random, faults, counts);
      down.on("data", (frame: AgentMessage) => (frame.hello ? up.write(frame) : toServer(frame)));
      up.on("data", (frame: ServerMessage) => (frame.challenge || frame.welcome ? down.write(frame) : toAgent(frame)));
      down.on("end", () => up.end());
      down.on("cancelled", () => up.cancel());
      down.on("error", () => up.cancel());
      up.on("end", () => down.end());
      up.on("error", (error: Error & { code?: number; details?: string }) => {
        down.emit("error", { code: error.code ?? status.UNAVAILABLE, details: error.details ?? error.message });
      });
    },
  };
  server.addService(AgentService.service, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    counts,
    close: () => {
      server.forceShutdown();
      client.close();
    },
  };
}

/** Wraps a writer so that some frames go out twice, and some after the one that follows them. */
function astray<Frame>(
  write: (frame: Frame) => void,
  random: () => number,
  faults: FrameFaults,
  counts: FrameProxy["counts"],
): (frame: Frame) => void {
  let held: { frame: Frame; timer: NodeJS.Timeout } | undefined;
  const release = (): void => {
    if (held === undefined) return;
    clearTimeout(held.timer);
    const { frame } = held;
    held = undefined;
    write(frame);
  };
  return (frame) => {
    counts.forwarded += 1;
    if (held === undefined && random() < faults.reorder) {
      counts.reordered += 1;
      held = { frame, timer: setTimeout(release, 50) };
      return;
    }
    write(frame);
    if (random() < faults.duplicate) {
      counts.duplicated += 1;
      write(frame);
    }
    release();
  };
}

/** A small seeded generator (Tommy Ettinger's mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
