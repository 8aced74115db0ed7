import { once } from "node:events";
import { createConnection } from "node:net";
import { globSync } from "node:fs";
import { find, isExecutable } from "../install/find.ts";
import { freePort } from "../free-port.ts";
import { startProcess } from "../process/process.ts";
import { waitUntilReady } from "../process/ready.ts";

/** Erlang's port mapper, by which nodes find one another. */
export interface Epmd {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/**
 * Starts a port mapper on 127.0.0.1. One that a node starts by itself would outlive it, and this process.
 *
 * @throws Error when there is none on this machine or it can't be started.
 */
export async function startEpmd(): Promise<Epmd> {
  const port = await freePort();
  const command = epmdBinary();
  const args = ["-port", String(port), "-address", "127.0.0.1"];
  const epmd = startProcess({ name: "epmd", command, args, cwd: "/" });
  await waitUntilReady(epmd, () => accepts(port), { deadlineMs: 10_000, what: "a connection to it" });
  return {
    port,
    close: async () => void (await epmd.kill9Group()),
  };
}

function epmdBinary(): string {
  const binary =
    find("epmd") ?? globSync("/{usr,usr/local,opt/homebrew}/lib/erlang/erts-*/bin/epmd").find(isExecutable);
  if (binary === undefined) throw new Error("no epmd on PATH and none in /usr/lib/erlang; it is a part of Erlang");
  return binary;
}

async function accepts(port: number): Promise<boolean> {
  const socket = createConnection(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } finally {
    socket.destroy();
  }
}
