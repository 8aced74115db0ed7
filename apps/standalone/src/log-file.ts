import { closeSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface LogFile {
  readonly path: string;
  /** For a child's stdout and stderr. */
  readonly descriptor: number;
  /** Synchronous, so that the last lines of a crash are there. */
  write(line: string): void;
  close(): void;
}

const keepBytes = 20 * 1024 * 1024;

/** Opens `name` in `home` (mode 0600), appending; one that has grown beyond 20 MiB is put aside as `.1` first. */
export function openLogFile(home: string, name: string): LogFile {
  const path = join(home, name);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > keepBytes) renameSync(path, `${path}.1`);
  const descriptor = openSync(path, "a", 0o600);
  return {
    path,
    descriptor,
    write: (line) => void writeSync(descriptor, line),
    close: () => closeSync(descriptor),
  };
}
