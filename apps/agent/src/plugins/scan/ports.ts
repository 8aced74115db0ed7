import { readdir, readFile, readlink } from "node:fs/promises";
import { endianness } from "node:os";
import { bounded, type Found, type ListeningPort, tidy } from "./document.ts";

const protocols = ["tcp", "tcp6", "udp", "udp6"] as const;
const mostPorts = 2_000;
// Looking for the owners goes through every file that every process has open.
const ownersMs = 5_000;

/** A socket that takes connections or datagrams. */
export interface ListeningSocket {
  protocol: ListeningPort["protocol"];
  address: string;
  port: number;
  inode: string;
}

/** Ordered by port. Owners are there as far as the agent may see them: root's agent sees all, another its own user's. */
export async function scanPorts(signal: AbortSignal): Promise<Found<ListeningPort>> {
  if (process.platform !== "linux") throw new Error("listening ports are read from /proc, which this platform hasn't");
  const sockets: ListeningSocket[] = [];
  for (const protocol of protocols) {
    // A kernel without IPv6 has no table for it.
    const table = await readFile(`/proc/net/${protocol}`, { encoding: "latin1", signal }).catch(() => "");
    sockets.push(...parseSocketTable(protocol, table, endianness()));
  }
  const owners = await findOwners(new Set(sockets.map(({ inode }) => inode)), signal);
  const ports = sockets.map(({ protocol, address, port, inode }) => {
    const owner = owners.get(inode);
    return { protocol, address, port, ...(owner === undefined ? {} : owner) };
  });
  return bounded(
    ports.toSorted((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1)),
    mostPorts,
  );
}

// See proc_net(5) and include/net/tcp_states.h: what listens is in state LISTEN, a bound datagram socket in CLOSE.
const listening = { tcp: "0A", tcp6: "0A", udp: "07", udp6: "07" } as const;

/** One of /proc/net/{tcp,tcp6,udp,udp6}. Lines that aren't as they should be are left out. */
export function parseSocketTable(
  protocol: ListeningPort["protocol"],
  text: string,
  order: "LE" | "BE",
): ListeningSocket[] {
  return text.split("\n").flatMap((line) => {
    const [, local = "", remote = "", state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const [, address = "", port = ""] = /^([0-9A-F]+):([0-9A-F]{4})$/i.exec(local) ?? [];
    // A datagram socket with a peer talks to that one alone.
    if (state !== listening[protocol] || !remote.endsWith(":0000") || !/^\d+$/.test(inode)) return [];
    const readable = address.length === 8 ? ipv4(address, order) : address.length === 32 ? ipv6(address, order) : null;
    return readable === null ? [] : [{ protocol, address: readable, port: Number.parseInt(port, 16), inode }];
  });
}

/** The kernel prints addresses as words of 32 bits, in the machine's order. */
function bytesOf(hex: string, order: "LE" | "BE"): number[] {
  const words = hex.match(/.{8}/g) ?? [];
  return words.flatMap((word) => {
    const bytes = (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
    return order === "LE" ? bytes.toReversed() : bytes;
  });
}

function ipv4(hex: string, order: "LE" | "BE"): string {
  return bytesOf(hex, order).join(".");
}

function ipv6(hex: string, order: "LE" | "BE"): string {
  const bytes = bytesOf(hex, order);
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (isMapped) return `::ffff:${bytes.slice(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, n) => ((bytes[n * 2] ?? 0) << 8) | (bytes[n * 2 + 1] ?? 0));
  // The URL parser writes the shortest form.
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

/** By the inode of a socket, the first process that has it open. */
async function findOwners(
  inodes: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, { pid: number; process: string }>> {
  const owners = new Map<string, { pid: number; process: string }>();
  const until = performance.now() + ownersMs;
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (owners.size === inodes.size || performance.now() > until) break;
    signal.throwIfAborted();
    for (const inode of await socketsOf(pid)) {
      if (!inodes.has(inode) || owners.has(inode)) continue;
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
      owners.set(inode, { pid: Number(pid), process: tidy(name) });
    }
  }
  return owners;
}

/** None for a process that is gone, or whose files aren't ours to see. */
async function socketsOf(pid: string): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
