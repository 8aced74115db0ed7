import type { TestProcess } from "../process/process.ts";
import { waitUntilReady } from "../process/ready.ts";
import { type Address, sendCommand } from "./command.ts";

/**
 * Waits until a server or a sentinel answers PING: one that still loads its data doesn't.
 *
 * @throws Error with its last lines when it ends first or doesn't answer in 30 s; nothing of it runs then.
 */
export async function waitForPong(server: TestProcess, address: Address): Promise<void> {
  const isReady = async () => (await sendCommand(address, "PING")) === "PONG";
  await waitUntilReady(server, isReady, { deadlineMs: 30_000, what: "its answer to PING" });
}
