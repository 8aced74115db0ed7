import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchdog } from "./watchdog.ts";

/** Makes an empty folder (mode 0700) whose name has `name` in it; it is removed when this process ends, however it ends. */
export function tempDir(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `fleetwire-${name}-`));
  watchdog.guardFolder(path);
  return path;
}

/** Removes a folder that {@link tempDir} made, now. */
export function removeTempDir(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  watchdog.forgetFolder(path);
}
