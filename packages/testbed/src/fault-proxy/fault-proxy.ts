import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { freePort } from "../free-port.ts";
import { fairConditions } from "./conditions.ts";
import { type Connection, joinConnection, type Target } from "./connection.ts";

/**
 * A TCP proxy on 127.0.0.1 that makes the network bad on demand. Faults add up until `heal`, and hold for open and new
 * connections alike. It never buffers without bound: a sender is slowed down as a slow network would.
 */
export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** Resets what is open (RST to both sides) and refuses what comes. */
  cut(): void;
  /**
   * The cable is out: sockets stay open, nothing passes either way, and no side learns that the other has closed. A new
   * connection is accepted and hears nothing. What was sent meanwhile arrives after `heal`, as TCP would resend it.
   */
  halfOpen(): void;
  /** Every byte arrives this many milliseconds later, in each direction. */
  delay(ms: number): void;
  /** At most this many bytes per second, for each direction of each connection. */
  bandwidth(bytesPerSecond: number): void;
  /** Ends every fault; resolves when connections are accepted again. */
  heal(): Promise<void>;
  /** How many client connections are open now. */
  connections(): number;
  /** Resets what is open and stops listening. */
  close(): Promise<void>;
}

/** Starts a proxy to `target` on a free port. */
export async function startFaultProxy(options: { target: Target }): Promise<FaultProxy> {
  const host = "127.0.0.1";
  const port = await freePort();
  const conditions = fairConditions();
  const connections = new Set<Connection>();
  let server: Server | undefined;

  const accept = (client: Socket) => {
    const connection = joinConnection(client, options.target, conditions, () => connections.delete(connection));
    connections.add(connection);
  };
  const listen = async () => {
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept);
    server.listen(port, host);
    await once(server, "listening");
  };
  const cut = () => {
    server?.close();
    server = undefined;
    for (const connection of connections) connection.reset();
  };
  const changeTo = (change: Partial<typeof conditions>) => {
    Object.assign(conditions, change);
    for (const connection of connections) connection.changed();
  };

  await listen();
  return {
    host,
    port,
    cut,
    halfOpen: () => changeTo({ halfOpen: true }),
    delay: (delayMs) => changeTo({ delayMs }),
    bandwidth: (bytesPerSecond) => changeTo({ bytesPerSecond }),
    heal: async () => {
      changeTo(fairConditions());
      if (server === undefined) await listen();
    },
    connections: () => connections.size,
    close: async () => {
      const closing = server && once(server, "close");
      cut();
      await closing;
    },
  };
}
