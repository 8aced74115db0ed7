import { once } from "node:events";
import { Agent, createServer as createHttpServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "./server-process.ts";

/**
 * Stands before several servers as a load balancer does: asks `/health/ready` of each all the time, and sends nothing to
 * one that isn't ready as far as it knows. HTTP goes request by request over kept connections, and isn't tried again;
 * gRPC goes connection by connection.
 */
export interface Balancer {
  readonly url: string;
  /** `127.0.0.1:port`, for agents. */
  readonly grpc: string;
  /** What it couldn't pass on, in words. */
  readonly failures: readonly string[];
  /** Whether it takes this server for ready. */
  knowsReady(server: ServerProcess): boolean;
  close(): Promise<void>;
}

interface Backend {
  server: ServerProcess;
  agent: Agent;
  ready: boolean;
}

/** @param o.checkMs how often each server is asked. */
export async function startBalancer(o: { servers: readonly ServerProcess[]; checkMs: number }): Promise<Balancer> {
  const backends = o.servers.map((server): Backend => ({ server, agent: new Agent({ keepAlive: true }), ready: true }));
  const failures: string[] = [];
  const sockets = new Set<Socket>();
  let turn = 0;
  const closed = new AbortController();

  function next(): Backend | undefined {
    turn += 1;
    const ready = backends.filter((backend) => backend.ready);
    return ready[turn % Math.max(1, ready.length)];
  }

  async function watch(backend: Backend): Promise<void> {
    while (!closed.signal.aborted) {
      backend.ready = await isReady(backend.server, o.checkMs);
      await sleep(o.checkMs);
    }
  }

  function forward(from: IncomingMessage, to: ServerResponse): void {
    const backend = next();
    if (backend === undefined) {
      failures.push(`${from.method} ${from.url}: no server is ready`);
      to.writeHead(503).end();
      return;
    }
    const { method, url, headers } = from;
    const upstream = request({
      port: backend.server.httpPort,
      host: "127.0.0.1",
      agent: backend.agent,
      method,
      path: url,
    });
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && name !== "connection" && name !== "host") upstream.setHeader(name, value);
    }
    upstream.on("response", (answer) => {
      const { connection: _, "keep-alive": __, ...kept } = answer.headers;
      to.writeHead(answer.statusCode ?? 502, kept);
      answer.pipe(to);
      answer.on("error", () => to.destroy());
    });
    upstream.on("error", (error) => {
      if (to.destroyed) return;
      failures.push(`${method} ${url}: ${String(error)}`);
      if (to.headersSent) to.destroy();
      else to.writeHead(502).end();
    });
    to.on("close", () => upstream.destroy());
    from.pipe(upstream);
  }

  function join(client: Socket): void {
    const backend = next();
    if (backend === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ host: "127.0.0.1", port: backend.server.grpcPort });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {}); // told by "close"
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  const http = createHttpServer(forward);
  const grpc = createServer({ noDelay: true }, join);
  const [httpPort, grpcPort] = [await listen(http), await listen(grpc)];
  const watching = backends.map(watch);
  return {
    url: `http://127.0.0.1:${httpPort}`,
    grpc: `127.0.0.1:${grpcPort}`,
    failures,
    knowsReady: (server) => backends.some((backend) => backend.server === server && backend.ready),
    async close() {
      closed.abort();
      http.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await Promise.all([once(http.close(), "close"), once(grpc.close(), "close"), ...watching]);
      for (const { agent } of backends) agent.destroy();
    },
  };
}

async function isReady({ url }: ServerProcess, withinMs: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(Math.max(withinMs, 1_000));
    return (await fetch(`${url}/health/ready`, { signal, headers: { connection: "close" } })).status === 200;
  } catch {
    return false;
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
