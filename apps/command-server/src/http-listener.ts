import { createServer, type Server } from "node:https";
import type { FastifyServer } from "@fleetwire/service";
import type { TlsMaterial } from "./tls.ts";

/** HTTP or HTTPS in front of the same routes. */
export interface HttpListener {
  /** Resolves to the port. Rejects where it can't be had. */
  listen(host: string, port: number): Promise<number>;
  /** Ends idle connections, lets answers under way end within `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

export function createHttpListener(http: FastifyServer, tls: TlsMaterial | null): HttpListener {
  return tls === null ? plain(http) : secure(http, tls);
}

function plain(http: FastifyServer): HttpListener {
  return {
    async listen(host, port) {
      await http.listen({ host, port });
      return boundPort(http.server);
    },
    // Its own grace is an option of the server.
    close: () => http.close(),
  };
}

function secure(http: FastifyServer, { cert, key }: TlsMaterial): HttpListener {
  const server = createServer({ cert, key, requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) =>
    http.routing(request, response),
  );
  return {
    async listen(host, port) {
      await http.ready();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => {
          server.off("error", reject);
          resolve();
        });
      });
      return boundPort(server);
    },
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await http.close();
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function boundPort(server: Pick<Server, "address">): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server isn't listening on a port.");
  return address.port;
}
