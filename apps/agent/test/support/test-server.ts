import { createPublicKey, randomBytes, verify } from "node:crypto";
import {
  type AgentMessage,
  AgentService,
  type AgentServiceHandlers,
  type AssignInput,
  type EnrollRequest,
  type Hello,
  type OutputChunk,
  type Result,
  type ServerMessage,
  type ServerMessageInput,
  type WelcomeInput,
} from "@fleetwire/proto";
import { eventually } from "@fleetwire/testbed";
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";

type Call = ServerDuplexStream<AgentMessage, ServerMessage>;

/** A stream that an agent opened, and everything that it said on it. */
export interface TestStream {
  hello: Hello;
  epoch: number;
  frames: AgentMessage[];
  /** True when either side has ended it. */
  ended: boolean;
  send(message: ServerMessageInput): void;
  /** Assigns with what the test doesn't say filled in; returns the assignNo. */
  assign(frame: AssignInput): number;
  cancel(commandId: string, assignNo: number, attempt?: number): void;
  acknowledge(result: Result): void;
  /** The first frame of this kind that fits. */
  wait<K extends AgentMessageKind>(kind: K, fits?: (frame: Frame<K>) => boolean): Promise<Frame<K>>;
  result(commandId: string): Promise<Result>;
  close(): void;
}

export type AgentMessageKind = "started" | "refused" | "output" | "result" | "heartbeat" | "profile" | "facts";
export type Frame<K extends AgentMessageKind> = NonNullable<AgentMessage[K]>;

export interface TestServer {
  address: string;
  streams: TestStream[];
  enrolments: EnrollRequest[];
  /** The next stream that is welcomed after `after` of them were. */
  stream(after?: number): Promise<TestStream>;
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
}

export interface TestServerOptions {
  /** Good join tokens. */
  tokens?: string[];
  /** Default: a free one. */
  port?: number;
  /** Acknowledge results and output by itself; default true. */
  acknowledges?: boolean;
  acknowledgesOutput?: boolean;
  welcome?: (hello: Hello, count: number) => WelcomeInput;
  /** Refuse a stream instead of welcoming it. */
  refuse?: (hello: Hello, count: number) => { code: string; grpc: status } | null;
  /** First thing that a welcomed stream gets. */
  onWelcomed?: (stream: TestStream) => void;
  heartbeats?: boolean;
  acknowledgesFacts?: boolean;
}

const deadlineMs = 15_000;

/** The agent's side of a command-server, in memory: no store, no rules; tests decide what it says. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { acknowledges = true, acknowledgesOutput = acknowledges, acknowledgesFacts = true } = options;
  const { heartbeats = true } = options;
  const streams: TestStream[] = [];
  const enrolments: EnrollRequest[] = [];
  const keys = new Map<string, Buffer>();
  let greeted = 0;
  let assigned = 0;
  let server = new Server();
  let port = options.port ?? 0;

  function connect(call: Call): void {
    const nonce = randomBytes(32);
    let stream: TestStream | null = null;
    call.write({ challenge: { nonce } });
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("cancelled", () => {
      if (stream) stream.ended = true;
    });
    call.on("close", () => {
      if (stream) stream.ended = true;
    });
    call.on("data", (message: AgentMessage) => {
      if (message.hello) stream = greet(call, message.hello, nonce);
      else if (stream) receive(stream, message);
    });
  }

  function greet(call: Call, hello: Hello, nonce: Buffer): TestStream | null {
    greeted += 1;
    const refusal = options.refuse?.(hello, greeted) ?? checkSignature(hello, nonce);
    if (refusal) {
      const metadata = new Metadata();
      metadata.set("fleetwire-code", refusal.code);
      call.emit("error", { code: refusal.grpc, details: refusal.code, metadata });
      return null;
    }
    const welcome = options.welcome?.(hello, greeted) ?? {};
    const stream = toStream(call, hello, Number(welcome.epoch ?? Math.max(greeted, hello.seenEpoch + 1)));
    stream.send({
      welcome: {
        heartbeatIntervalMs: 1_000,
        heartbeatTimeoutMs: 5_000,
        maxChunkBytes: 32 * 1024,
        serverId: "test",
        takesFacts: true,
        ...welcome,
        epoch: stream.epoch,
      },
    });
    streams.push(stream);
    options.onWelcomed?.(stream);
    return stream;
  }

  function checkSignature(hello: Hello, nonce: Buffer): { code: string; grpc: status } | null {
    const key = keys.get(hello.agentId);
    const unknown = { code: "agent_unknown", grpc: status.UNAUTHENTICATED };
    if (!key) return unknown;
    const signed = Buffer.concat([
      Buffer.from("fleetwire-hello-v1\n"),
      nonce,
      Buffer.from(`\n${hello.agentId}\n${hello.ledgerId}`),
    ]);
    const jwk = { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") };
    const good = verify(null, signed, createPublicKey({ key: jwk, format: "jwk" }), hello.signature);
    return good ? null : unknown;
  }

  function toStream(call: Call, hello: Hello, epoch: number): TestStream {
    const stream: TestStream = {
      hello,
      epoch,
      frames: [],
      ended: false,
      send: (message) => void call.write(message as ServerMessage),
      assign(frame) {
        assigned += 1;
        const assignNo = Number(frame.assignNo ?? assigned);
        assigned = Math.max(assigned, assignNo);
        const filled = {
          epoch,
          attempt: 1,
          type: "SHELL",
          timeoutMs: 30_000,
          startWindowMs: 60_000,
          ...frame,
          assignNo,
        };
        stream.send({ assign: filled });
        return assignNo;
      },
      cancel: (commandId, assignNo, attempt = 1) => stream.send({ cancel: { commandId, assignNo, attempt, epoch } }),
      acknowledge: ({ commandId, attempt, assignNo }) => stream.send({ resultAck: { commandId, attempt, assignNo } }),
      wait: (kind, fits = () => true) =>
        eventually(
          () => {
            for (const frame of stream.frames) {
              const body = frame[kind];
              if (body && fits(body)) return body;
            }
            return null;
          },
          { deadlineMs, what: `a ${kind} frame` },
        ),
      result: (commandId) => stream.wait("result", (result) => result.commandId === commandId),
      close: () => call.end(),
    };
    return stream;
  }

  const ends = new Map<string, number>();

  function receive(stream: TestStream, message: AgentMessage): void {
    stream.frames.push(message);
    if (message.heartbeat && heartbeats) {
      stream.send({ heartbeatAck: { sequence: message.heartbeat.sequence } });
    }
    if (message.facts && acknowledgesFacts) stream.send({ factsAck: {} });
    if (message.result && acknowledges) stream.acknowledge(message.result);
    if (message.output && acknowledgesOutput) {
      const { commandId, attempt, offset, data } = message.output;
      const end = Math.max(ends.get(commandId) ?? 0, offset + data.length);
      ends.set(commandId, end);
      stream.send({ outputAck: { commandId, attempt, offset: end } });
    }
  }

  const handlers: AgentServiceHandlers = {
    Connect: (call) => connect(call),
    Enroll(call, callback) {
      const { agentId, joinToken, publicKey } = call.request;
      enrolments.push(call.request);
      const known = keys.get(agentId);
      const fail = (code: status, name: string): void => {
        const metadata = new Metadata();
        metadata.set("fleetwire-code", name);
        callback({ code, details: name, metadata });
      };
      if (!(options.tokens ?? ["good-token"]).includes(joinToken)) fail(status.UNAUTHENTICATED, "join_token_invalid");
      else if (known && !known.equals(publicKey)) fail(status.ALREADY_EXISTS, "agent_id_taken");
      else {
        keys.set(agentId, publicKey);
        callback(null, { agentId, companyId: "default", fleet: "" });
      }
    },
  };

  async function start(): Promise<void> {
    server = new Server({ "grpc.max_receive_message_length": 4 * 1024 * 1024 });
    server.addService(AgentService.service, handlers);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
    port = await promise;
  }

  await start();
  return {
    get address() {
      return `127.0.0.1:${port}`;
    },
    streams,
    enrolments,
    stream: (after = 0) => eventually(() => streams[after], { deadlineMs, what: `stream ${after + 1} of an agent` }),
    stop: () => {
      server.forceShutdown();
      for (const stream of streams) stream.ended = true;
      return Promise.resolve();
    },
    start,
  };
}

/** The output that a run reported, in order of offset. */
export function outputOf(stream: TestStream, commandId: string): string {
  const pieces: OutputChunk[] = [];
  for (const frame of stream.frames) {
    if (frame.output?.commandId === commandId) pieces.push(frame.output);
    if (frame.result?.commandId === commandId) pieces.push(...frame.result.tail);
  }
  return pieces
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ data }) => data.toString())
    .join("");
}
