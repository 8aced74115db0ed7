// The ceiling: a bare grpc-js server that answers every frame of a stream with a frame, and does nothing else.
import { Server, ServerCredentials, type handleBidiStreamingCall } from "@grpc/grpc-js";
import { AgentService, type AgentMessage, type ServerMessageInput } from "@fleetwire/proto";
import { serveParent } from "../children.ts";

const connect: handleBidiStreamingCall<AgentMessage, ServerMessageInput> = (call) => {
  call.on("data", (frame: AgentMessage) => call.write({ heartbeatAck: { sequence: frame.heartbeat?.sequence ?? 0 } }));
  call.on("end", () => call.end());
  call.on("error", () => {});
};

const server = new Server();
server.addService(AgentService.service, {
  connect,
  enroll: (_call, answer) => answer(null, { agentId: "", companyId: "", fleet: "" }),
});
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
});
await serveParent(async () => ({ port }));
server.forceShutdown();
