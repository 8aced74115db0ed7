/** What SCAN prints. A list that had to be cut says so, and how long it was. */
export interface ScanDocument {
  platform: string;
  packages?: Found<InstalledPackage>;
  ports?: Found<ListeningPort>;
  users?: Found<UserAccount>;
  /** Sections that couldn't be scanned. */
  errors: { section: string; message: string }[];
}

export interface Found<T> {
  total: number;
  truncated: boolean;
  items: T[];
}

export interface InstalledPackage {
  manager: "dpkg" | "rpm" | "apk";
  name: string;
  version: string;
  arch: string;
}

export interface ListeningPort {
  protocol: "tcp" | "tcp6" | "udp" | "udp6";
  address: string;
  port: number;
  /** Of the process that has the socket, where the agent may see it. */
  pid?: number;
  process?: string;
}

export interface UserAccount {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

// The server keeps the first and the last 512 KiB of an output: a document of this size is kept whole.
const largestDocument = 900 * 1024;

/** At most so many of them. */
export function bounded<T>(items: readonly T[], most: number): Found<T> {
  return { total: items.length, truncated: items.length > most, items: items.slice(0, most) };
}

/** One line of JSON, within the bound: the longest list gives way. */
export function composeDocument(document: ScanDocument, most = largestDocument): string {
  const { packages, ports, users, ...rest } = document;
  const lists = { ...(packages && { packages }), ...(ports && { ports }), ...(users && { users }) };
  for (;;) {
    const text = JSON.stringify({ ...rest, ...lists });
    if (Buffer.byteLength(text) <= most) return text;
    const longest = Object.values(lists).toSorted((a, b) => b.items.length - a.items.length)[0];
    if (longest === undefined || longest.items.length === 0) return text;
    longest.items.length = Math.floor(longest.items.length * 0.8);
    longest.truncated = true;
  }
}

/** A text from the machine, made fit for a document: without control characters, and not endless. */
export function tidy(text: string, most = 256): string {
  return text
    .replaceAll(/\p{Cc}/gu, " ")
    .trim()
    .slice(0, most)
    .toWellFormed();
}
