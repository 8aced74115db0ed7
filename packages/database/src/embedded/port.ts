import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { promisify } from "node:util";

const host = "127.0.0.1";

/** A TCP port that was free on loopback a moment ago. */
export async function freePort(): Promise<number> {
  return listenOnce(0);
}

/** Whether a server could listen on this loopback port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  );
}

/** Names the process that listens on a loopback port as "name (pid 123)", as far as we may know. */
export async function describePortHolder(port: number): Promise<string> {
  const pid = process.platform === "linux" ? await linuxListener(port) : await listenerFromLsof(port);
  if (pid === null) return "a process of another user";
  const command = await promisify(execFile)("ps", ["-o", "comm=", "-p", String(pid)]).catch(() => null);
  return `${command?.stdout.trim() || "a process"} (pid ${pid})`;
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

/** Finds the listening socket's inode in /proc/net/tcp*, then the process that has it open. */
async function linuxListener(port: number): Promise<number | null> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listening = "0A";
  const rows = tables
    .join("\n")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const row = rows.find((fields) => fields[1]?.endsWith(suffix) && fields[3] === listening);
  const inode = row?.[9];
  if (inode === undefined) return null;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      if (target === `socket:[${inode}]`) return Number(pid);
    }
  }
  return null;
}

async function listenerFromLsof(port: number): Promise<number | null> {
  const found = await promisify(execFile)("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-t"]).catch(() => null);
  const pid = Number(found?.stdout.split("\n")[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
