import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "@fleetwire/service";
import { openLogFile } from "../log-file.ts";
import { freePort, isPortFree } from "../ports.ts";
import { StartFailure } from "../start-failure.ts";
import { answers } from "./answers.ts";
import { newPassword, readRecord, valkeyFiles, writeFiles, type ValkeyRecord } from "./files.ts";
import { endLeftover } from "./leftover.ts";
import { findValkeyProgram } from "./program.ts";
import { runWithParent, type BoundProcess } from "./run-with-parent.ts";

export interface PrivateValkeyOptions {
  /** The caller holds its lock. */
  home: string;
  /** Path of the server's program; null: the one of PATH. */
  program: string | null;
  environment: Record<string, string | undefined>;
  log: Logger;
}

/** A Valkey or Redis of this home alone, on loopback, with a password. */
export interface PrivateValkey {
  /** With the password. */
  readonly url: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Resolves with a sentence when it has ended. */
  readonly ended: Promise<string>;
  /** Ends it in order; resolves when it is gone, which it is made after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const startDeadlineMs = 60_000;
const pollMs = 20;
const portAttempts = 3;

/**
 * Starts the home's Valkey with the data that are there, on its recorded port where that is free; resolves when it has
 * loaded them. It ends when this process does.
 * Throws StartFailure when no program is installed, or it doesn't come up.
 */
export async function startPrivateValkey(options: PrivateValkeyOptions): Promise<PrivateValkey> {
  const { home, environment, log } = options;
  const program = await findValkeyProgram(options.program);
  const files = valkeyFiles(home);
  const known = readRecord(files);
  if (known !== null) await endLeftover(files, known, log);

  const password = known?.password ?? newPassword();
  for (let attempt = 1; ; attempt += 1) {
    const port = known !== null && attempt === 1 && (await isPortFree(known.port)) ? known.port : await freePort();
    const record: ValkeyRecord = { port, password };
    writeFiles(files, record);
    const output = openLogFile(files.folder, "valkey.log");
    const server = runWithParent({
      command: program,
      args: [files.configuration],
      cwd: files.folder,
      environment,
      output: output.descriptor,
    });
    // The child has its own.
    output.close();
    const problem = await waitUntilReady(server, record);
    if (problem === null) {
      log.info({ pid: server.pid, port, program }, "Valkey started");
      return {
        url: `redis://:${password}@127.0.0.1:${port}`,
        port,
        dataFolder: files.data,
        ended: server.ended.then((how) => `Valkey ended (${how})`),
        stop: (graceMs) => server.stop(graceMs),
      };
    }
    await server.stop(0);
    // Taken since it was looked at.
    if (attempt < portAttempts && !(await isPortFree(port))) continue;
    throw new StartFailure(`${program} doesn't start: ${problem}`, `see what it says in ${output.path}`);
  }
}

/** What went wrong; null when it answers. */
async function waitUntilReady(server: BoundProcess, record: ValkeyRecord): Promise<string | null> {
  let end: string | null = null;
  void server.ended.then((how) => (end = how));
  const giveUpAt = performance.now() + startDeadlineMs;
  while (performance.now() < giveUpAt) {
    if (end !== null) return end;
    if (await answers(record)) return null;
    await pause(pollMs);
  }
  return `no answer within ${startDeadlineMs / 1000} s`;
}
