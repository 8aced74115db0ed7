import type { FastifyServer } from "./server.ts";

/**
 * Ends connections when the server closes: idle ones at once, long answers by the `closing` signal that they watch,
 * and what is still open after `graceMs` by cutting it. Before that, `announceClose` has clients and proxies leave by
 * themselves: a kept connection that is closed just when a request is sent on it costs that request.
 */
export function registerClosing(server: FastifyServer, graceMs: number): void {
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let announced = false;
  server.decorate("closing", { getter: () => closing.signal });
  server.decorate("announceClose", () => void (announced = true));
  server.addHook("preClose", async () => {
    closing.abort();
    timer = setTimeout(() => {
      server.log.warn({ graceMs }, "requests are still running; their connections are cut");
      server.server.closeAllConnections();
    }, graceMs);
  });
  // Node keeps the connection of a request that was running when closing began.
  server.addHook("onSend", async (_request, reply) => {
    if (announced || closing.signal.aborted) void reply.header("connection", "close");
  });
  server.addHook("onClose", async () => clearTimeout(timer));
}
