import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, type ClientDuplexStream } from "@grpc/grpc-js";
import {
  AgentService,
  type AgentMessageInput,
  type EnrollResponse,
  type HelloInput,
  type ServerMessage,
} from "@fleetwire/proto";

/** An agent that has lost its senses: enrolled and welcomed, it sends what the test says, as fast as that says. */
export interface Runaway {
  /** Sends frames at this rate until the stream ends; resolves to how many went out. */
  flood(perSecond: number, frame: (n: number) => AgentMessageInput): Promise<number>;
  /** Reads nothing more. */
  stopReading(): void;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  close(): void;
}

const sliceMs = 20;

export async function startRunaway(o: { address: string; joinToken: string; id: string }): Promise<Runaway> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const client = new AgentService(o.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
  });
  const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  await new Promise<EnrollResponse | undefined>((resolve, reject) => {
    const request = { agentId: o.id, joinToken: o.joinToken, publicKey: key, hostname: "runaway" };
    client.enroll(request, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

  const call: ClientDuplexStream<AgentMessageInput, ServerMessage> = client.connect();
  const ended = Promise.withResolvers<void>();
  const welcomed = Promise.withResolvers<void>();
  const over = new AbortController();
  call.on("error", () => {}); // told by "status"
  call.on("status", () => {
    over.abort();
    ended.resolve();
    welcomed.reject(new Error(`${o.id} wasn't welcomed`));
  });
  call.on("data", (message: ServerMessage) => {
    if (message.challenge) call.write({ hello: helloOf(o.id, message.challenge.nonce, privateKey) });
    if (message.welcome) welcomed.resolve();
  });
  await welcomed.promise;

  return {
    ended: ended.promise,
    async flood(perSecond, frame) {
      const began = performance.now();
      let sent = 0;
      while (!over.signal.aborted) {
        const due = ((performance.now() - began) / 1_000) * perSecond;
        // What isn't taken any more would only fill this process.
        while (sent < due && call.writableLength < 1_000) call.write(frame(sent++));
        await sleep(sliceMs);
      }
      return sent;
    },
    stopReading: () => void call.pause(),
    close() {
      call.cancel();
      client.close();
    },
  };
}

function helloOf(
  agentId: string,
  nonce: Buffer,
  key: ReturnType<typeof generateKeyPairSync>["privateKey"],
): HelloInput {
  const ledgerId = randomUUID();
  const signed = [Buffer.from("fleetwire-hello-v1\n"), nonce, Buffer.from(`\n${agentId}\n${ledgerId}`)];
  return {
    agentId,
    ledgerId,
    bootId: randomUUID(),
    version: "runaway",
    signature: sign(null, Buffer.concat(signed), key),
    profile: { concurrency: 100, hostname: "runaway", platform: "linux", types: [{ type: "SHELL" }] },
  };
}
