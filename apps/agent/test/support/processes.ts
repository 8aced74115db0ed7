import { existsSync, readFileSync } from "node:fs";

/** A dead process whose parent hasn't collected it answers signals, and doesn't run. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+[ZX]/m.test(existsSync("/proc") ? readFileSync(`/proc/${pid}/status`, "utf8") : "");
  } catch {
    return false;
  }
}
