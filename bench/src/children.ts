import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process of the benchmark, driven by JSON lines: one on stdin asks, one on stdout answers. */
export interface Child {
  readonly pid: number;
  /** Sends one request and resolves with its answer. One at a time. */
  ask<T>(request: unknown): Promise<T>;
  /** CPU time used so far, seconds (user and system), its own threads included. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** Starts a TypeScript entry of this folder with this Node. Its stderr is ours. */
export function startChild(entry: string | URL, env: Record<string, string> = {}): Child {
  const file = fileURLToPath(new URL(entry, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@fleetwire/source", file], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const waiting: { resolve: (value: never) => void; reject: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line) as never));
  const exited = once(child, "exit");
  child.once("exit", (code, signal) => {
    const how = String(signal ?? code);
    for (const { reject } of waiting.splice(0))
      reject(new Error(`${String(entry)} ended with ${how} before it answered`));
  });
  return {
    pid: child.pid ?? 0,
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    stop: async () => {
      child.stdin.end();
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** Answers requests from the parent until stdin ends. For the child's side. */
export async function serveParent(handle: (request: never) => Promise<unknown>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await handle(JSON.parse(line) as never);
    process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
  }
}

/** CPU seconds of a process from /proc/<pid>/stat (fields 14 and 15, in 1/100 s); NaN where there's no such file. */
export function cpuSecondsOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return Number.NaN;
  }
}
