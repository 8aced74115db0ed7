import { generateKeyPairSync } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { status, type StatusObject } from "@grpc/grpc-js";
import type { EnrollRequestInput, EnrollResponse } from "@fleetwire/proto";
import { createChannels, type Channel, type Channels } from "./channels.ts";
import { LightAgent } from "./light-agent.ts";
import type { LightFleetStats } from "./stats.ts";

export interface LightFleetOptions {
  /** `host:port` of servers. After a failure an agent tries the next one. */
  addresses: readonly string[];
  /** Which of them the agents begin with; default: spread over all. */
  startAt?: number;
  /** With a use for each agent. */
  joinToken: string;
  count: number;
  /** Ids are the prefix and a number from 0. */
  prefix: string;
  /** Default 100; 1: a connection for each agent, as real ones have. */
  streamsPerChannel?: number;
  /** Default 4. */
  concurrency?: number;
  labels?: Record<string, string>;
  /** A file in which each execution leaves the command's id, for the testbed's ledger. */
  effects?: string;
}

export interface LightFleet {
  readonly stats: LightFleetStats;
  close(): void;
}

// As many enrolments on their way at once.
const enrolling = 200;
const maxTries = 6;
const ticksPerSecond = 20;

/** Enrols the agents and lets them connect; resolves when all are enrolled. */
export async function createLightFleet(options: LightFleetOptions): Promise<LightFleet> {
  const channels = createChannels(options.streamsPerChannel ?? 100);
  const stats: LightFleetStats = {
    agents: options.count,
    connected: 0,
    welcomes: 0,
    lastWelcomeAt: 0,
    dismissed: 0,
    executed: 0,
    goAways: {},
    ends: {},
    channels: 0,
  };
  const agents: LightAgent[] = [];
  // Each agent once a second, spread over it.
  let slot = 0;
  const ticker = setInterval(() => {
    const nowMs = performance.now();
    slot = (slot + 1) % ticksPerSecond;
    for (let at = slot; at < agents.length; at += ticksPerSecond) agents[at]?.tick(nowMs);
    stats.channels = channels.count();
  }, 1_000 / ticksPerSecond);

  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < options.count) {
      const agent = await startAgent(options, next++, channels, stats);
      agents.push(agent);
      agent.connect();
    }
  };
  await Promise.all(Array.from({ length: Math.min(enrolling, options.count) }, worker));

  return {
    stats,
    close() {
      clearInterval(ticker);
      for (const agent of agents) agent.close();
      channels.close();
    },
  };
}

async function startAgent(
  options: LightFleetOptions,
  index: number,
  channels: Channels,
  stats: LightFleetStats,
): Promise<LightAgent> {
  const { addresses, joinToken, effects, startAt = index } = options;
  const id = `${options.prefix}${index}`;
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  // The raw key is the last 32 bytes of its DER form.
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  await enrol(channels, addresses[startAt % addresses.length] ?? "", { agentId: id, joinToken, publicKey: raw });
  const profile = {
    concurrency: options.concurrency ?? 4,
    labels: options.labels ?? {},
    hostname: "light",
    platform: process.platform,
    types: [{ type: "SHELL" }, { type: "PING" }],
  };
  const executed = (commandId: string): void => {
    stats.executed += 1;
    if (effects !== undefined) appendFileSync(effects, `${commandId}\n`);
  };
  return new LightAgent({ id, privateKey, addresses, profile, channels, stats, executed }, startAt);
}

/** Again while the server has no time for it. */
async function enrol(
  channels: Channels,
  address: string,
  request: { agentId: string; joinToken: string; publicKey: Buffer },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const channel = channels.take(address);
    try {
      await enrolOver(channel, request);
      return;
    } catch (error) {
      const busy = (error as Partial<StatusObject>).code === status.UNAVAILABLE;
      if (!busy || tries === maxTries) throw error;
      await sleep(Math.random() * 250 * 2 ** tries);
    } finally {
      channel.release();
    }
  }
}

function enrolOver({ client }: Channel, request: EnrollRequestInput): Promise<EnrollResponse> {
  return new Promise((resolve, reject) => {
    client.enroll({ ...request, hostname: "light" }, (error, answer) =>
      error || answer === undefined ? reject(error ?? new Error("no answer")) : resolve(answer),
    );
  });
}
