import { generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { Metadata, credentials, status as grpcStatus, type ClientDuplexStream, type ServiceError } from "@grpc/grpc-js";
import {
  AgentService,
  type AgentMessageInput,
  type EnrollResponse,
  type HelloInput,
  type ProfileInput,
  type ResultInput,
  type ServerMessage,
} from "@fleetwire/proto";
import { helloMessage } from "../src/agents/hello.ts";

const deadlineMs = 10_000;

/** How a stream ended, as a gRPC client sees it. */
export interface WireEnd {
  /** Such as `UNAUTHENTICATED`. */
  status: string;
  details: string;
  /** `fleetwire-code` of the metadata. */
  code: string | undefined;
}

export type FrameKind = NonNullable<ServerMessage["body"]>;
type Frame<K extends FrameKind> = NonNullable<ServerMessage[K]>;

/** An agent's identity: its key, and where it speaks to. */
export interface WireIdentity {
  agentId: string;
  ledgerId: string;
  bootId: string;
  privateKey: KeyObject;
  /** 32 raw bytes. */
  publicKey: Buffer;
}

export function newIdentity(agentId: string): WireIdentity {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  return { agentId, ledgerId: randomUUID(), bootId: randomUUID(), privateKey, publicKey: raw };
}

export const wireProfile: ProfileInput = {
  fleet: "test",
  labels: {},
  types: [{ type: "SHELL", parametersSchemaJson: "" }],
  concurrency: 2,
  hostname: "wire",
  platform: "linux",
  draining: false,
};

interface RunRef {
  commandId: string;
  attempt: number;
  assignNo: number;
}

/** What an agent says about a run that it was assigned. */
export const reply = {
  run: ({ commandId, attempt, assignNo }: RunRef): RunRef => ({ commandId, attempt, assignNo }),
  started: (assign: RunRef): AgentMessageInput => ({ started: { ...reply.run(assign), recorded: true } }),
  output: (assign: RunRef, offset: number, text: string, droppedBefore = 0): AgentMessageInput => {
    const { commandId, attempt } = assign;
    return { output: { commandId, attempt, offset, droppedBefore, stream: "STREAM_STDOUT", data: Buffer.from(text) } };
  },
  result: (assign: RunRef, change: Partial<ResultInput> = {}): AgentMessageInput => ({
    result: {
      ...reply.run(assign),
      outcome: "OUTCOME_EXITED",
      exitCode: 0,
      durationMs: 1,
      startedAgoMs: 1,
      recorded: true,
      ...change,
    },
  }),
};

/** A client whose frames a test writes itself, on a connection of its own. */
function wireClient(address: string): InstanceType<typeof AgentService> {
  return new AgentService(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
  });
}

export function enrol(address: string, identity: WireIdentity, joinToken: string): Promise<EnrollResponse> {
  const client = wireClient(address);
  const { agentId, publicKey } = identity;
  return new Promise<EnrollResponse>((resolve, reject) => {
    client.enroll({ agentId, joinToken, publicKey, hostname: "wire" }, (error, response) => {
      client.close();
      if (error) reject(error);
      else if (response) resolve(response);
    });
  });
}

/** `fleetwire-code` of an error that a call ended with. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("metadata" in error)) return undefined;
  const { metadata } = error;
  return metadata instanceof Metadata ? metadata.get("fleetwire-code")[0]?.toString() : undefined;
}

function frameOf<K extends FrameKind>(message: ServerMessage, kind: K): Frame<K> {
  const frame = message[kind];
  if (!frame) throw new Error(`a message that says ${kind} and holds none`);
  return frame;
}

/** One stream of bare frames. */
export class WireStream {
  readonly received: ServerMessage[] = [];
  readonly #client: InstanceType<typeof AgentService>;
  readonly #call: ClientDuplexStream<AgentMessageInput, ServerMessage>;
  readonly #waiting = new Set<() => void>();
  readonly #taken = new Set<ServerMessage>();
  #end: WireEnd | undefined;

  constructor(address: string) {
    this.#client = wireClient(address);
    this.#call = this.#client.connect();
    this.#call.on("data", (message: ServerMessage) => {
      this.received.push(message);
      this.#notify();
    });
    // What went wrong is in the status.
    this.#call.on("error", () => {});
    this.#call.on("status", ({ code, details, metadata }: ServiceError) => {
      this.#end = { status: grpcStatus[code], details, code: metadata.get("fleetwire-code")[0]?.toString() };
      this.#notify();
    });
  }

  send(message: AgentMessageInput): void {
    this.#call.write(message);
  }

  /** The next frame of this kind that no call has given yet. */
  async next<K extends FrameKind>(kind: K): Promise<Frame<K>> {
    return await this.#until(`a ${kind} frame`, () => {
      const message = this.received.find((candidate) => candidate.body === kind && !this.#taken.has(candidate));
      if (message) this.#taken.add(message);
      return message && frameOf(message, kind);
    });
  }

  /** All frames of this kind so far. */
  all<K extends FrameKind>(kind: K): Frame<K>[] {
    return this.received.flatMap((message) => (message.body === kind ? [frameOf(message, kind)] : []));
  }

  /** Resolves once the server has ended the stream. */
  ended(): Promise<WireEnd> {
    return this.#until("the end of the stream", () => this.#end, true);
  }

  /** Answers the challenge; `change` may falsify the hello after it was signed. */
  async hello(identity: WireIdentity, change: Partial<HelloInput> = {}): Promise<void> {
    const { nonce } = await this.next("challenge");
    const { agentId, bootId, privateKey } = identity;
    const ledgerId = change.ledgerId ?? identity.ledgerId;
    const signature = sign(null, helloMessage(nonce, agentId, ledgerId), privateKey);
    this.send({
      hello: {
        agentId,
        ledgerId,
        bootId,
        signature,
        version: "1.0.0",
        profile: wireProfile,
        seenEpoch: 0,
        highest: 0,
        horizon: 0,
        held: [],
        ...change,
      },
    });
  }

  /** Reads nothing more. */
  stopReading(): void {
    this.#call.pause();
  }

  /** Ends this side of the stream in order. */
  endSending(): void {
    this.#call.end();
  }

  /** Cuts it off. */
  close(): void {
    this.#call.cancel();
    this.#client.close();
  }

  async #until<T>(what: string, find: () => T | undefined, evenEnded = false): Promise<T> {
    const giveUpAt = performance.now() + deadlineMs;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.#end && !evenEnded) throw new Error(`no ${what}: the stream ended with ${JSON.stringify(this.#end)}`);
      const left = giveUpAt - performance.now();
      if (left <= 0) {
        const kinds = this.received.map(({ body }) => body).join(", ");
        throw new Error(`no ${what} within ${deadlineMs} ms; received: ${kinds}`);
      }
      await this.#changed(left);
    }
  }

  async #changed(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }

  #notify(): void {
    for (const wake of this.#waiting) wake();
  }
}
