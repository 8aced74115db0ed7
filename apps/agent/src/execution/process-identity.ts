import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ProcessIdentity } from "../ledger/records.ts";
import { readProcess } from "./process-table.ts";

/**
 * What tells this process from a later one with the same pid: on Linux the boot's id and the start in ticks, elsewhere
 * what `ps` says. Null when there is no such process.
 */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === "linux" ? linuxStart(pid) : psStart(pid);
  return startedAt === null ? null : { pid, startedAt };
}

function linuxStart(pid: number): string | null {
  const row = readProcess(pid);
  return row === null ? null : `${bootId()}:${row.startTicks}`;
}

let thisBoot: string | null = null;

/** The same for as long as any process of this boot runs: read once. */
function bootId(): string {
  thisBoot ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return thisBoot;
}

function psStart(pid: number): string | null {
  try {
    return (
      execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", timeout: 5_000 }).trim() || null
    );
  } catch {
    return null;
  }
}
