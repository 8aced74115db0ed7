import { createServer } from "node:net";
import { findPortHolder } from "./port-holder.ts";
import { StartFailure } from "./start-failure.ts";

export interface WantedPort {
  /** What it is for: "HTTP". */
  name: string;
  /** The variable that chooses another. */
  variable: string;
  /** 0: any free one. */
  port: number;
}

/** Throws StartFailure that names the first of these ports that can't be had on loopback, and who has it. */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const [first, second] = wanted;
  if (first && second && first.port !== 0 && first.port === second.port) {
    throw new StartFailure(
      `${first.name} and ${second.name} can't both have port ${first.port}`,
      `choose another: ${second.variable}=0 npm start (any free port)`,
    );
  }
  for (const { name, variable, port } of wanted) {
    const problem = port === 0 ? null : await problemOf(port);
    if (problem === null) continue;
    throw new StartFailure(
      `port ${port} (${name}) ${problem}`,
      `choose another: ${variable}=${port < 65_000 ? port + 100 : 0} npm start (0: any free port)`,
    );
  }
}

async function problemOf(port: number): Promise<string | null> {
  const code = await tryToListen(port);
  if (code === null) return null;
  if (code === "EACCES") return "may not be used by this user";
  if (code !== "EADDRINUSE") return `can't be used: ${code}`;
  const holder = await findPortHolder(port);
  return holder === null
    ? "is taken, by a process that this user can't see"
    : `is taken by process ${holder.pid}: ${holder.command}`;
}

/** Whether a server could listen on this loopback port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await tryToListen(port)) === null;
}

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** The error's code, null when the port is free. */
function tryToListen(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}
