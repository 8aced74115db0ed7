import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Pids of the children of a process. PostgreSQL's backends lead process groups of their own: only this finds them. */
export async function childrenOf(pid: number): Promise<number[]> {
  const all = process.platform === "linux" ? await readProc() : await askPs();
  return all.filter((entry) => entry.parent === pid).map((entry) => entry.pid);
}

/** Whether the process still runs (a zombie doesn't). */
export async function isRunning(pid: number): Promise<boolean> {
  const all = process.platform === "linux" ? await readProc(String(pid)) : await askPs();
  return all.some((entry) => entry.pid === pid && !entry.zombie);
}

interface Entry {
  pid: number;
  parent: number;
  zombie: boolean;
}

async function readProc(only?: string): Promise<Entry[]> {
  const names = only === undefined ? (await readdir("/proc")).filter((name) => /^\d+$/.test(name)) : [only];
  const entries = await Promise.all(
    names.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => null); // ended meanwhile
      if (stat === null) return [];
      // "pid (name) state ppid …"; the name may hold spaces and parentheses.
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [{ pid: Number(name), parent: Number(parent), zombie: state === "Z" }];
    }),
  );
  return entries.flat();
}

async function askPs(): Promise<Entry[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,ppid=,stat="]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [pid, parent, state] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), zombie: state?.startsWith("Z") ?? false };
    });
}
