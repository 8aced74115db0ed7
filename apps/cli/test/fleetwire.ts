import { fileURLToPath } from "node:url";
import { runSource, type TestProcess } from "@fleetwire/testbed";

export const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const senderFile = fileURLToPath(new URL("../src/command-sender.ts", import.meta.url));

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Target {
  url: string;
  token: string;
}

/** Starts `fleetwire` as a process of its own, for a server. */
export function startFleetwire(target: Target, args: readonly string[], entry = mainFile): TestProcess {
  return runSource(entry, args, { env: { FLEETWIRE_URL: target.url, FLEETWIRE_TOKEN: target.token } });
}

/** Runs `fleetwire` to its end. */
export async function fleetwire(target: Target, ...args: string[]): Promise<Finished> {
  return finished(startFleetwire(target, args));
}

export async function commandSender(target: Target, ...args: string[]): Promise<Finished> {
  return finished(startFleetwire(target, args, senderFile));
}

async function finished(process: TestProcess): Promise<Finished> {
  const { code } = await process.exited;
  return { code, stdout: process.stdout.join("\n"), stderr: process.stderr.join("\n") };
}
