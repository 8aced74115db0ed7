import { open } from "node:fs/promises";

/** What to do about a failed start, from the server's own words. */
export function adviceFor(words: string): string {
  return advices.find(([sign]) => sign.test(words))?.[1] ?? "read the lines above; the whole log is beside the data.";
}

const advices: readonly (readonly [RegExp, string])[] = [
  [/shared memory.*No space left|No space left.*shared memory/is, "make /dev/shm larger (Docker: --shm-size=256m)."],
  [
    /No space left on device|Disk quota exceeded/i,
    "the disk is full: free some space and start again; nothing is lost.",
  ],
  [/could not bind|Address already in use/i, "the port was taken meanwhile: start again, or give another port."],
  [
    /incompatible with server|was initialized by PostgreSQL version/i,
    "the data is of another major version of PostgreSQL: dump it with that version, or choose another FLEETWIRE_HOME.",
  ],
  [
    /Permission denied|Operation not permitted|EACCES|EPERM/i,
    "the user that PostgreSQL runs as can't get at the folder: check owner and mode of it and of the folders above it, or choose another FLEETWIRE_HOME.",
  ],
  [
    /could not locate a valid checkpoint|invalid magic number|could not read file/i,
    "the data is damaged: restore it from a backup, or choose another FLEETWIRE_HOME.",
  ],
];

/** Up to the last `lines` lines that were written to `path` after `offset` (bytes). */
export async function logTail(path: string, offset: number, lines: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const from = Math.max(offset, size - 16_384);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(Math.max(0, size - from)),
      0,
      Math.max(0, size - from),
      from,
    );
    return buffer.subarray(0, bytesRead).toString("utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } finally {
    await file.close();
  }
}
