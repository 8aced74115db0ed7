// Many agents in one process: enrolled, each on a connection of its own, answering PING like an agent does, and nothing
// else. They keep no ledger (PING needs none).
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { credentials } from "@grpc/grpc-js";
import { AgentService, type AgentServiceClient, type EnrollResponse, type ServerMessage } from "@fleetwire/proto";
import { serveParent } from "../children.ts";

export interface LightAgentsRequest {
  address: string;
  joinToken: string;
  count: number;
  prefix: string;
}

async function connectAll(request: LightAgentsRequest): Promise<{ connected: number }> {
  await Promise.all(Array.from({ length: request.count }, (_, i) => connectOne(request, `${request.prefix}${i}`)));
  return { connected: request.count };
}

async function connectOne({ address, joinToken }: LightAgentsRequest, agentId: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const client = new AgentService(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
  });
  // The raw key is the last 32 bytes of its DER form.
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  await new Promise<EnrollResponse>((resolve, reject) => {
    client.enroll({ agentId, joinToken, publicKey: raw, hostname: "light" }, (error, answer) =>
      error || answer === undefined ? reject(error ?? new Error("no answer")) : resolve(answer),
    );
  });
  await answerPings(client, agentId, privateKey);
}

function answerPings(client: AgentServiceClient, agentId: string, privateKey: KeyObject): Promise<void> {
  const ledgerId = randomUUID();
  const call = client.connect();
  return new Promise((resolve, reject) => {
    call.on("error", reject);
    call.on("end", () => reject(new Error(`${agentId}: the server ended the stream`)));
    call.on("data", (frame: ServerMessage) => {
      if (frame.challenge) {
        const text = [
          Buffer.from("fleetwire-hello-v1\n"),
          frame.challenge.nonce,
          Buffer.from(`\n${agentId}\n${ledgerId}`),
        ];
        call.write({
          hello: {
            agentId,
            ledgerId,
            bootId: randomUUID(),
            version: "bench",
            signature: sign(null, Buffer.concat(text), privateKey),
            profile: { concurrency: 4, hostname: "light", platform: process.platform, types: [{ type: "PING" }] },
          },
        });
      } else if (frame.welcome) {
        let sequence = 0;
        setInterval(
          () => call.write({ heartbeat: { sequence: ++sequence } }),
          frame.welcome.heartbeatIntervalMs,
        ).unref();
        resolve();
      } else if (frame.assign) {
        const { commandId, assignNo, attempt } = frame.assign;
        call.write({ result: { commandId, assignNo, attempt, outcome: "OUTCOME_EXITED", exitCode: 0 } });
      }
    });
  });
}

await serveParent(connectAll);
process.exit(0);
