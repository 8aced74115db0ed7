/**
 * Loaded into the agent's launcher (`node --import`): ends it when its stdin ends, which happens when the standalone at
 * the other end is gone, killed with -9 included. So an agent never outlives the standalone that started it.
 */
import { isMainThread } from "node:worker_threads";

/** More than the agent takes to stop what it runs (see demo-agent.ts). */
const graceMs = 8_000;

function end(): void {
  process.kill(process.pid, "SIGTERM");
  // The launcher, its agent, and this timer with them.
  setTimeout(() => process.kill(0, "SIGKILL"), graceMs).unref();
}

// The launcher hands its Node options on: to the agent, which has an IPC channel to it, and to the agent's threads.
if (isMainThread && process.channel === undefined) process.stdin.once("end", end).once("error", end).resume();
