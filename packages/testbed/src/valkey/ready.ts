import { eventually } from "../eventually.ts";
import type { TestProcess } from "../process/process.ts";
import { type Address, sendCommand } from "./command.ts";

const startDeadlineMs = 30_000;

/**
 * Waits until a server or a sentinel answers PING: one that still loads its data doesn't.
 *
 * @throws Error with its last lines when it ends first or doesn't answer in 30 s; nothing of it runs then.
 */
export async function waitUntilReady(server: TestProcess, address: Address): Promise<void> {
  let ended = false;
  void server.exited.then(() => (ended = true));
  const ready = async () => ended || (await sendCommand(address, "PING")) === "PONG";
  const problem = await eventually(ready, { deadlineMs: startDeadlineMs, what: "its answer to PING" }).then(
    () => (ended ? "it ended" : null),
    (error: Error) => error.message,
  );
  if (problem === null) return;
  await server.stop({ deadlineMs: 1_000 });
  const lines = server.output.slice(-20).map((line) => `  | ${line}`);
  throw new Error([`${server.name} (pid ${server.pid}) can't be started: ${problem}`, ...lines].join("\n"));
}
