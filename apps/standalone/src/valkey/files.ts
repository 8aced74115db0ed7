import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a home has of its Valkey, all of it under `valkey/` (mode 0700). */
export interface ValkeyFiles {
  folder: string;
  data: string;
  /** Written anew at each start, mode 0600. */
  configuration: string;
  /** The server writes it, and removes it when it ends in order. */
  pid: string;
  record: string;
}

/** What later starts use again, so that the URL stays the same. */
export interface ValkeyRecord {
  port: number;
  password: string;
}

export function valkeyFiles(home: string): ValkeyFiles {
  const folder = join(home, "valkey");
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  return {
    folder,
    data,
    configuration: join(folder, "valkey.conf"),
    pid: join(folder, "valkey.pid"),
    record: join(folder, "server.json"),
  };
}

/** Null when there is none, or none that can be read: nothing in it is needed for the data. */
export function readRecord(files: ValkeyFiles): ValkeyRecord | null {
  try {
    const { port, password }: Partial<Record<keyof ValkeyRecord, unknown>> = JSON.parse(
      readFileSync(files.record, "utf8"),
    );
    return typeof port === "number" && typeof password === "string" && password !== "" ? { port, password } : null;
  } catch {
    return null;
  }
}

/** A password of 256 bits, safe in a URL, in the server's configuration and in its inline commands. */
export function newPassword(): string {
  return randomBytes(32).toString("base64url");
}

/** Writes what a start on this port needs. */
export function writeFiles(files: ValkeyFiles, record: ValkeyRecord): void {
  writeWhole(files.record, `${JSON.stringify(record)}\n`);
  writeWhole(files.configuration, configuration(files, record));
}

function configuration(files: ValkeyFiles, { port, password }: ValkeyRecord): string {
  const settings = [
    ["bind", "127.0.0.1"],
    ["port", String(port)],
    ["requirepass", password],
    ["dir", quoted(files.data)],
    ["pidfile", quoted(files.pid)],
    // Every write is on disk a second later; nothing is thrown out for want of memory.
    ["appendonly", "yes"],
    ["appendfsync", "everysec"],
    ["save", '""'],
    ["maxmemory-policy", "noeviction"],
  ];
  return settings.map(([name, value]) => `${name} ${value}\n`).join("");
}

function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function writeWhole(path: string, text: string): void {
  const draft = `${path}.tmp`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}
