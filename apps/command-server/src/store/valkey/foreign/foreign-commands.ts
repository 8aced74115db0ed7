import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { StoreTime } from "../../store-time.ts";
import type { StoreContext } from "../context.ts";
import { escapeGlob, findAmong, findPage, largestRecordBytes, type ForeignId } from "./find.ts";
import { readForeignRecord } from "./foreign-record.ts";
import { lead, resign } from "./leadership.ts";
import { takeForeign } from "./take.ts";

/** What became of a record that was looked at. */
export type ForeignOutcome = "taken" | "unreadable" | "agent_unknown";

export interface ForeignOptions {
  context: StoreContext;
  /** The connection that may hear of changed keys. */
  hearing: Redis;
  /** The store's clock. */
  now: StoreTime;
  companyId: string;
  defaultTimeoutMs: number;
  /** Between two walks over all keys; a walk over up to 100,000 keys takes no longer than that. */
  pollingIntervalMs: number;
  counted(outcome: ForeignOutcome): void;
}

const keysPerPage = 500;
/** Up to here a walk is spread over one polling interval at most; beyond, it takes a tenth of the time. */
const quickKeys = 100_000;
const share = 10;
const takenAtOnce = 16;
const gatherMs = 20;
const waitingIds = 10_000;
/** While keyspace events tell of each key, walks only find what these have missed. */
const walksWithEvents = 12;
/** What was reported isn't reported again while it stays the same; of so many. What is beyond is only counted. */
const rememberedReports = 100_000;

/**
 * Takes in commands that other programs write as `command:queue:{id}`. One server at a time leads: it walks over the keys,
 * page by page and paced, from where the one before it had come to; where the server tells of changed keys
 * (`notify-keyspace-events` with K and $), it follows that at once. Nothing else in this store ever scans.
 */
export function startForeignCommands(o: ForeignOptions): { stop(): Promise<void> } {
  const { valkey, serverId, log } = o.context;
  const stopping = new AbortController();
  const { signal } = stopping;
  const reported = new Map<string, string>();
  const leaseMs = Math.max(15_000, 3 * o.pollingIntervalMs);
  let leading = false;
  let failing = false;
  let heard = new Set<string>();
  let gathering: NodeJS.Timeout | null = null;

  async function takeAll(found: readonly ForeignId[]): Promise<void> {
    const waiting = found.filter(({ id, digest }) => reported.get(id) !== digest);
    const worker = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined && !signal.aborted; next = waiting.pop()) await take(next);
    };
    await Promise.all(Array.from({ length: Math.min(takenAtOnce, waiting.length) }, worker));
  }

  async function take(found: ForeignId): Promise<void> {
    const problem = problemOf(found.digest);
    if (problem !== null) return report(found, "unreadable", problem);
    const text = await valkey.command<string | null>("GET", valkey.keys.record(found.id));
    if (text === null) return;
    const command = readForeignRecord(found.id, text, await o.now(), o);
    if (typeof command === "string") return report(found, "unreadable", command);
    const outcome = await takeForeign(o.context, found, command);
    const names = { commandId: found.id, agentId: command.agentId };
    if (outcome === "agent_unknown") report(found, outcome, "its agent is another company's");
    if (outcome !== "taken") return;
    o.counted("taken");
    log.info({ ...names, companyId: o.companyId }, "took a command that another program wrote");
  }

  function report({ id, digest }: ForeignId, code: Exclude<ForeignOutcome, "taken">, problem: string): void {
    o.counted(code);
    if (reported.size >= rememberedReports && !reported.has(id)) return;
    reported.set(id, digest);
    log.warn({ key: valkey.keys.record(id).slice(0, 200), code, problem }, "another program's command was skipped");
  }

  /** One walk over all keys, from where the last one that didn't end had come to. */
  async function walk(): Promise<void> {
    const { keys } = valkey;
    let cursor = (await valkey.command<string | null>("GET", keys.foreignCursor())) ?? "0";
    const quick = (await valkey.command<number>("DBSIZE")) <= quickKeys;
    const mostMs = quick ? (o.pollingIntervalMs * keysPerPage) / quickKeys : Infinity;
    let renewed = performance.now();
    do {
      const began = performance.now();
      const page = await findPage(valkey, cursor, keysPerPage);
      const tookMs = performance.now() - began;
      await takeAll(page.found);
      cursor = page.next;
      if (performance.now() - renewed > leaseMs / 3) {
        leading = await lead(valkey, serverId, leaseMs);
        await valkey.command("SET", keys.foreignCursor(), cursor);
        renewed = performance.now();
      }
      const restMs = Math.min(tookMs * (share - 1), mostMs - (performance.now() - began));
      if (cursor !== "0" && restMs > 0) await sleep(restMs, undefined, { signal });
    } while (cursor !== "0" && leading && !signal.aborted);
    if (cursor === "0") await valkey.command("DEL", keys.foreignCursor());
  }

  async function takeHeard(): Promise<void> {
    const ids = [...heard];
    heard = new Set();
    try {
      for (let from = 0; from < ids.length; from += keysPerPage)
        await takeAll(await findAmong(valkey, ids.slice(from, from + keysPerPage)));
    } catch (error) {
      failed(error);
    }
  }

  function hear(id: string): void {
    if (!leading || signal.aborted || heard.size >= waitingIds) return;
    heard.add(id);
    gathering ??= setTimeout(() => {
      gathering = null;
      void takeHeard();
    }, gatherMs);
  }

  /** One line per outage. */
  function failed(error: unknown): void {
    if (!failing && !signal.aborted)
      log.warn({ err: error }, "other programs' commands can't be looked for; trying on");
    failing = true;
  }

  async function run(): Promise<void> {
    let followed = false;
    for (let round = 0; !signal.aborted; round += 1) {
      try {
        // Asked each time: after a failover it may be another server.
        const events = await tellsEvents(o.context);
        if (events && !followed) {
          await followEvents(o.context, o.hearing, hear);
          followed = true;
          log.info("follows keyspace events for other programs' commands");
        }
        const led = leading;
        leading = await lead(valkey, serverId, leaseMs);
        if (leading && !led) round = 0;
        if (leading && (!events || round % walksWithEvents === 0)) await walk();
        failing = false;
      } catch (error) {
        failed(error);
      }
      await sleep(o.pollingIntervalMs, undefined, { signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      if (gathering !== null) clearTimeout(gathering);
      await running;
      if (leading) await resign(valkey, serverId).catch(() => {});
    },
  };
}

function problemOf(digest: string): string | null {
  if (digest === "type") return "its value isn't a string";
  if (digest === "status") return "its status key isn't a string";
  return digest.startsWith("size ") ? `it has ${digest.slice(5)} bytes, more than ${largestRecordBytes}` : null;
}

/** Whether the server tells of changed strings; false where it doesn't say. */
async function tellsEvents({ valkey }: StoreContext): Promise<boolean> {
  const [, flags = ""] = await valkey
    .command<string[]>("CONFIG", "GET", "notify-keyspace-events")
    .catch((): string[] => []);
  return flags.includes("K") && (flags.includes("$") || flags.includes("A"));
}

async function followEvents({ valkey }: StoreContext, hearing: Redis, hear: (id: string) => void): Promise<void> {
  const key = valkey.keys.record("");
  await hearing.psubscribe(`__keyspace@*__:${escapeGlob(key)}*`);
  hearing.on("pmessage", (_pattern: string, channel: string) => {
    const at = channel.indexOf(`:${key}`);
    if (at > 0) hear(channel.slice(at + 1 + key.length));
  });
}
