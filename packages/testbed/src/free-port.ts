import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

// Below the range that Linux (32768) and macOS (49152) take the ports of outgoing connections from. In that range a
// client that retries a stopped server's port can be given that very port and connect to itself, and a server that
// comes back can find its port taken.
const lowest = 10_240;
const highest = 32_767;

/**
 * A TCP port of 127.0.0.1 that nothing listens on now. Nothing holds it for the caller: listen on it soon.
 *
 * @throws Error when 100 tries found none.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowest, highest + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found between ${lowest} and ${highest}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
