import { Server, type ServerOptions } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import {
  AgentService,
  CommandService,
  RolloutService,
  agentPackage,
  commandPackage,
  type AgentServiceHandlers,
  type CommandServiceHandlers,
  type RolloutServiceHandlers,
} from "@fleetwire/proto";
import { HealthImplementation } from "grpc-health-check";
import type { Health } from "@fleetwire/service";
import { createTcpListener } from "./tcp-listener.ts";
import { grpcCredentials, type TlsMaterial } from "./tls.ts";

const maxMessageBytes = 4 * 1024 * 1024;
const healthIntervalMs = 1_000;
const services = [
  "",
  "fleetwire.agent.v1.AgentService",
  "fleetwire.command.v1.CommandService",
  "fleetwire.command.v1.RolloutService",
];

/**
 * Keepalive finds half-open connections that TCP would keep for hours; grpc-js does none of it unless told. Clients may
 * ping as often as every 5 s before they are sent away.
 */
const options: ServerOptions = {
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc.keepalive_time_ms": 15_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_concurrent_streams": 1_000,
  // MiB; without it a peer's unread output could grow for ever.
  "grpc-node.max_session_memory": 64,
  // A record of every connection and call, which nothing here reads.
  "grpc.enable_channelz": 0,
};

export interface GrpcServer {
  server: Server;
  /** Resolves to the port. Rejects where it can't be had. */
  listen(host: string, port: number): Promise<number>;
  /** Health says NOT_SERVING from now on. */
  setStopping(): void;
  /** Lets calls under way end within `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** The gRPC server: agents, operators, health (as /health/ready says) and reflection. Doesn't listen by itself. */
export function createGrpcServer(deps: {
  agents: AgentServiceHandlers;
  commands: CommandServiceHandlers;
  rollouts: RolloutServiceHandlers;
  health: Health;
  tls: TlsMaterial | null;
}): GrpcServer {
  const server = new Server(options);
  server.addService(AgentService.service, deps.agents);
  server.addService(CommandService.service, deps.commands);
  server.addService(RolloutService.service, deps.rollouts);
  new ReflectionService({ ...agentPackage, ...commandPackage }).addToServer(server);
  const health = new HealthImplementation(Object.fromEntries(services.map((name) => [name, "NOT_SERVING"])));
  health.addToServer(server);

  const injector = server.createConnectionInjector(grpcCredentials(deps.tls));

  const setStatus = (serving: boolean) => {
    for (const name of services) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  };
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;
  const reflectReadiness = async () => {
    const { ok } = await deps.health.ready();
    if (stopping) return;
    setStatus(ok);
    timer = setTimeout(() => void reflectReadiness(), healthIntervalMs).unref();
  };

  const listener = createTcpListener((socket) => injector.injectConnection(socket));
  return {
    server,
    async listen(host, port) {
      const bound = await listener.listen(host, port);
      await reflectReadiness();
      return bound;
    },
    setStopping() {
      stopping = true;
      clearTimeout(timer);
      setStatus(false);
    },
    async close(graceMs) {
      listener.stop();
      // Without channelz grpc-js doesn't know what to cut.
      const cut = setTimeout(() => listener.cut(), graceMs);
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(cut);
    },
  };
}
