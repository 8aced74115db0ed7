import { eventually } from "../eventually.ts";
import type { TestProcess } from "./process.ts";

export interface ReadyOptions {
  /** In milliseconds. */
  deadlineMs: number;
  /** Pause between two tries, in milliseconds; default 10. */
  intervalMs?: number;
  /** What is waited for, in words. */
  what: string;
  /** How many of its last lines an error has; default 20. */
  errorLines?: number;
}

/**
 * Waits until a server that was just started is ready: until `isReady` gives true. A throw counts as "not yet".
 *
 * @throws Error with its last lines when it ends first or isn't ready in time; nothing of it runs then.
 */
export async function waitUntilReady(
  server: TestProcess,
  isReady: () => Promise<boolean>,
  { errorLines = 20, ...options }: ReadyOptions,
): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const problem = await eventually(async () => ended || (await isReady()), options).then(
    () => (ended ? "it ended" : null),
    (error: Error) => error.message,
  );
  if (problem === null) return;
  await server.stop({ deadlineMs: 1_000 });
  const lines = server.output.slice(-errorLines).map((line) => `  | ${line}`);
  throw new Error([`${server.name} (pid ${server.pid}) can't be started: ${problem}`, ...lines].join("\n"));
}
