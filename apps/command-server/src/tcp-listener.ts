import { createServer, type Socket } from "node:net";

export interface TcpListener {
  /** Resolves to the port. Rejects as the system says. */
  listen(host: string, port: number): Promise<number>;
  /** Accepts no more; what is open stays. */
  stop(): void;
  /** Cuts what is open. */
  cut(): void;
}

// How many connections the system keeps until they are accepted; it may have a lower limit of its own (net.core.somaxconn).
// Node's default of 511 overflows when a herd comes back while the process is busy, and each drop costs the client 1 to 7 s.
const backlog = 8_192;

/** Accepts connections for a server that doesn't let one choose how many may wait. */
export function createTcpListener(accept: (socket: Socket) => void): TcpListener {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    accept(socket);
  });
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host: host.replace(/^\[(.*)\]$/, "$1"), port, backlog }, () => {
          server.off("error", reject);
          const address = server.address();
          resolve(typeof address === "object" && address !== null ? address.port : port);
        });
      }),
    stop: () => void server.close(),
    cut() {
      for (const socket of open) socket.destroy();
    },
  };
}
