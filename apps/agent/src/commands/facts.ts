import { readFile, statfs } from "node:fs/promises";
import {
  arch,
  cpus,
  hostname,
  networkInterfaces,
  platform,
  release,
  totalmem,
  freemem,
  type,
  uptime,
  version,
} from "node:os";
import { boundExecution, type ExecutionEnd, type OutputSink } from "../execution/execution.ts";
import type { CommandHandler } from "./handler.ts";

export interface AgentFacts {
  agentId: string;
  version: string;
}

/** FACTS: the machine's inventory, one JSON object on stdout. */
export function factsHandler(agent: AgentFacts): CommandHandler {
  return {
    type: "FACTS",
    parametersSchema: null,
    lane: "control",
    recorded: false,
    run: (_request, output) => boundExecution(writeFacts(agent, output)),
  };
}

async function writeFacts(agent: AgentFacts, output: OutputSink): Promise<ExecutionEnd> {
  try {
    output.write("stdout", Buffer.from(`${JSON.stringify(await collectFacts(agent))}\n`));
    return { outcome: "exited", exitCode: 0, error: "", errorMessage: "" };
  } catch (error) {
    const errorMessage = error instanceof Error ? error.message : String(error);
    return { outcome: "failed", exitCode: -1, error: "facts_failed", errorMessage };
  }
}

export type Facts = Awaited<ReturnType<typeof collectFacts>>;

// Free space that moves by less than this share of a disk is no news.
const newsShare = 20;

/** The same for facts that differ only in what always moves: time, memory in use, a few megabytes on a disk. */
export function newsOf({ agent, memory, disks, ...rest }: Facts): string {
  const lasting = disks.map(({ freeBytes, totalBytes, ...disk }) => {
    return { ...disk, totalBytes, free: Math.round((freeBytes / Math.max(1, totalBytes)) * newsShare) };
  });
  return JSON.stringify({
    ...rest,
    uptimeSeconds: 0,
    version: agent.version,
    memory: memory.totalBytes,
    disks: lasting,
  });
}

/** Sizes in bytes, times in seconds. */
export async function collectFacts(agent: AgentFacts) {
  const processors = cpus();
  return {
    agent: { id: agent.agentId, version: agent.version, pid: process.pid, node: process.version },
    os: { platform: platform(), type: type(), version: version() },
    kernel: release(),
    arch: arch(),
    hostname: hostname(),
    uptimeSeconds: Math.round(uptime()),
    cpus: { count: processors.length, model: processors[0]?.model.trim() ?? "" },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    networkInterfaces: collectInterfaces(),
    disks: await collectDisks(),
  };
}

function collectInterfaces() {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family, mac, internal, cidr }) => ({ name, address, family, mac, internal, cidr })),
  );
}

async function collectDisks() {
  const mounts = platform() === "linux" ? await readMounts() : [{ device: "", mount: "/", filesystem: "" }];
  const disks = [];
  for (const { device, mount, filesystem } of mounts) {
    const space = await statfs(mount).catch(() => null);
    if (space === null) continue;
    disks.push({
      device,
      mount,
      filesystem,
      totalBytes: space.blocks * space.bsize,
      freeBytes: space.bavail * space.bsize,
    });
  }
  return disks;
}

const largestDiskList = 64;

/** File systems on block devices: asking a network file system for its space can hang. See proc_mounts(5). */
async function readMounts() {
  const seen = new Set<string>();
  const text = await readFile("/proc/self/mounts", "utf8");
  return text
    .split("\n")
    .map((line) => line.split(" ").map(unescapeMount))
    .map(([device = "", mount = "", filesystem = ""]) => ({ device, mount, filesystem }))
    .filter(({ device }) => device.startsWith("/dev/") && !seen.has(device) && seen.add(device))
    .slice(0, largestDiskList);
}

/** Blanks and the like are written in octal. */
function unescapeMount(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
