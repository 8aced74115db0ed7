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
// Connections begun in one turn of the event loop.
const perTurn = 4;

/**
 * Accepts connections for a server that lets one choose neither how many may wait nor how fast they begin. In a herd
 * thousands are there at once: begun in one turn of the event loop, they would keep it busy for seconds, and whoever else
 * asks for something with it. So a few begin in each turn; the others wait unread.
 */
export function createTcpListener(begin: (socket: Socket) => void): TcpListener {
  const open = new Set<Socket>();
  const waiting = new Set<Socket>();
  let left = perTurn;
  let turning = false;
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      waiting.delete(socket);
    });
    waiting.add(socket);
    beginSome();
  });

  function beginSome(): void {
    for (const socket of waiting) {
      if (left === 0) break;
      left -= 1;
      waiting.delete(socket);
      begin(socket);
      socket.resume();
    }
    if (turning || left === perTurn) return;
    turning = true;
    setImmediate(() => {
      turning = false;
      left = perTurn;
      beginSome();
    });
  }

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
