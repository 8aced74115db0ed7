import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** The line between agents and servers: it can be laid to another server. */
export interface Switch {
  /** `127.0.0.1:port`, for agents. */
  readonly address: string;
  /** Where new connections go. */
  layTo(grpcPort: number): void;
  /** Cuts the agents' ends of what is open. The servers' ends stay open and silent: they don't learn of it. */
  strand(): void;
  close(): Promise<void>;
}

export async function startSwitch(grpcPort: number): Promise<Switch> {
  let target = grpcPort;
  const agents = new Set<Socket>();
  const servers = new Set<Socket>();
  const line = createServer({ noDelay: true }, (agent) => {
    const server = connect({ host: "127.0.0.1", port: target, noDelay: true });
    agents.add(agent);
    servers.add(server);
    agent.on("error", () => {}); // told by "close"
    server.on("error", () => {});
    agent.on("close", () => agents.delete(agent));
    server.on("close", () => {
      servers.delete(server);
      agent.destroy();
    });
    agent.on("data", (data) => server.write(data));
    agent.on("end", () => server.end());
    server.on("data", (data) => agent.write(data));
  });
  line.listen(0, "127.0.0.1");
  await once(line, "listening");
  return {
    address: `127.0.0.1:${(line.address() as AddressInfo).port}`,
    layTo: (port) => void (target = port),
    strand() {
      for (const agent of agents) agent.resetAndDestroy();
    },
    async close() {
      for (const socket of [...agents, ...servers]) socket.destroy();
      await once(line.close(), "close");
    },
  };
}
