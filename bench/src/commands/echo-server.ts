// The ceiling: a bare grpc-js server that answers every frame of a stream with a frame, and does nothing else.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { AgentService, type AgentMessage, type AgentServiceHandlers } from "@fleetwire/proto";
import { serveParent } from "../children.ts";

const handlers: AgentServiceHandlers = {
  Connect: (call) => {
    call.on("data", (frame: AgentMessage) =>
      call.write({ heartbeatAck: { sequence: frame.heartbeat?.sequence ?? 0 } }),
    );
    call.on("end", () => call.end());
    call.on("error", () => {});
  },
  Enroll: (_call, answer) => answer(null, { agentId: "", companyId: "", fleet: "" }),
};
const server = new Server();
server.addService(AgentService.service, handlers);
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  );
});
await serveParent(async () => ({ port }));
server.forceShutdown();
