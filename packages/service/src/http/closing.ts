import type { FastifyServer } from "./server.ts";

/**
 * Ends connections when the server closes: idle ones at once, long answers by the `closing` signal that they watch,
 * and what is still open after `graceMs` by cutting it.
 */
export function registerClosing(server: FastifyServer, graceMs: number): void {
  const closing = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  server.decorate("closing", { getter: () => closing.signal });
  server.addHook("preClose", async () => {
    closing.abort();
    timer = setTimeout(() => {
      server.log.warn({ graceMs }, "requests are still running; their connections are cut");
      server.server.closeAllConnections();
    }, graceMs);
  });
  // Node keeps the connection of a request that was running when closing began.
  server.addHook("onSend", async (_request, reply) => {
    if (closing.signal.aborted) void reply.header("connection", "close");
  });
  server.addHook("onClose", async () => clearTimeout(timer));
}
