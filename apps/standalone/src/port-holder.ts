import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";

export interface PortHolder {
  pid: number;
  /** Its command line, cut to a readable length. */
  command: string;
}

/** The process that listens on a TCP port of this machine; null where it can't be seen, as when it is another user's. */
export async function findPortHolder(port: number): Promise<PortHolder | null> {
  return process.platform === "linux" ? ((await fromProc(port)) ?? fromLsof(port)) : fromLsof(port);
}

async function fromProc(port: number): Promise<PortHolder | null> {
  const inodes = new Set([
    ...(await listeningInodes("/proc/net/tcp", port)),
    ...(await listeningInodes("/proc/net/tcp6", port)),
  ]);
  if (inodes.size === 0) return null;
  const processes = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of processes) {
    if (await holdsSocket(pid, inodes)) return { pid: Number(pid), command: await commandLine(pid) };
  }
  return null;
}

/** Rows of /proc/net/tcp: `sl local_address rem_address st … uid timeout inode`; state 0A listens. */
async function listeningInodes(table: string, port: number): Promise<string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = (await readFile(table, "utf8").catch(() => "")).split("\n").slice(1);
  return rows.flatMap((row) => {
    const fields = row.trim().split(/\s+/);
    const inode = fields[9];
    return fields[1]?.endsWith(suffix) && fields[3] === "0A" && inode !== undefined ? [inode] : [];
  });
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  // Of another user's process, or one that has just ended, nothing can be read.
  const handles = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const handle of handles) {
    const target = await readlink(`/proc/${pid}/fd/${handle}`).catch(() => "");
    if (target.startsWith("socket:[") && inodes.has(target.slice(8, -1))) return true;
  }
  return false;
}

async function commandLine(pid: string): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return readable(text.split("\0").join(" "));
}

async function fromLsof(port: number): Promise<PortHolder | null> {
  const run = promisify(execFile);
  try {
    const { stdout } = await run("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"], { timeout: 5_000 });
    const pid = /^p(\d+)$/m.exec(stdout)?.[1];
    return pid === undefined ? null : { pid: Number(pid), command: readable(/^c(.*)$/m.exec(stdout)?.[1] ?? "") };
  } catch {
    // Not installed, or it found nothing.
    return null;
  }
}

function readable(command: string): string {
  // eslint-disable-next-line no-control-regex -- a process names itself, and this goes to a terminal
  const plain = command.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").trim();
  return plain.length > 100 ? `${plain.slice(0, 99)}…` : plain;
}
