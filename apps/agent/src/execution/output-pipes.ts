import { spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** A pipe that a process writes its output to. */
export interface OutputPipe {
  /** What the process gets as stdout or stderr; close it here once the process is spawned. */
  writeEnd: number;
  readEnd: Readable;
}

export interface OutputPipes {
  /** @throws Error of the system: no descriptors left, no right to write in the directory. */
  open(): OutputPipe;
}

const batch = 64;
// POSIX; in coreutils, busybox and macOS.
const maker = "mkfifo";

/**
 * Real pipes. Node gives its children sockets instead, which can't be opened by name: `echo oops > /dev/stderr` fails
 * on them. Node has no pipe(2) either, so these are FIFOs, made in batches, whose names are gone before anyone writes.
 *
 * @throws Error when the directory, or a FIFO in it, can't be made.
 */
export function createOutputPipes(directory: string): OutputPipes {
  // What a crash left behind.
  rmSync(directory, { recursive: true, force: true });
  let ready: string[] = [];
  let made = 0;

  function make(): void {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: batch }, (_, n) => join(directory, String(made + n)));
    made += batch;
    const { status, stderr, error } = spawnSync(maker, ["-m", "600", ...paths], { encoding: "utf8" });
    if (status !== 0) throw error ?? new Error(stderr.trim());
    ready = paths;
  }

  // Says at the start, and not with each command, where there can be none.
  make();

  return {
    open() {
      // None left, or someone has tidied the directory up.
      if (!existsSync(ready.at(-1) ?? "")) make();
      const path = ready.pop() ?? "";
      // The reader first, without waiting for a writer; then the writer doesn't wait either.
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const writeEnd = openSync(path, constants.O_WRONLY);
        return { writeEnd, readEnd: new Socket({ fd: reader, readable: true, writable: false }) };
      } catch (error) {
        closeSync(reader);
        throw error;
      } finally {
        unlinkSync(path);
      }
    },
  };
}
