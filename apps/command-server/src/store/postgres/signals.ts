import type { Logger } from "@fleetwire/service";
import type { SessionSignals } from "../command-store.ts";
import type { Sql } from "./sql.ts";

/** An agent and the server of its open session, as a statement saw it. */
export interface Held {
  agentId: string;
  holder: string | null;
}

export interface SignalSender {
  wake(agents: readonly Held[]): void;
  cancel(agents: readonly Held[]): void;
  drop(agent: Held & { epoch: number }, reason: "superseded" | "revoked"): void;
  /** Sessions that this server is opening or holds: signalled here whatever a statement's snapshot said of them. */
  hold(agentId: string): void;
  release(agentId: string): void;
}

/** What one NOTIFY carries. */
interface Payload {
  wake?: string[];
  cancel?: string[];
  drop?: { agentId: string; epoch: number; reason: "superseded" | "revoked" }[];
}

const coalesceMs = 5;
/** NOTIFY takes payloads below 8000 bytes; ids are at most 128 characters, so this many entries always fit. */
const entriesPerPayload = 40;

/** The channel that this server listens on. */
export function channelOf(serverId: string): string {
  return `fleetwire_server_${serverId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(0, 40)}`;
}

/**
 * Signals for the sessions that a server holds: in process for this one, one NOTIFY per server and 5 ms for others,
 * after the commit and in a transaction of its own (inside, it would serialise commits). A lost one is made good by the poll.
 */
export function createSignals(o: { sql: Sql; serverId: string; log: Logger; wakeUp: boolean }) {
  const listeners = new Set<SessionSignals>();
  const held = new Set<string>();
  let outbox = new Map<string, Payload[]>();
  let timer: NodeJS.Timeout | null = null;
  let sending: Promise<unknown> = Promise.resolve();

  function deliver(payload: Payload): void {
    for (const listener of listeners) {
      try {
        if (payload.wake) listener.wake(payload.wake);
        if (payload.cancel) listener.cancel(payload.cancel);
        for (const { agentId, epoch, reason } of payload.drop ?? []) listener.drop(agentId, epoch, reason);
      } catch (error) {
        o.log.error({ err: error }, "a session signal's listener failed");
      }
    }
  }

  function post(serverId: string, payload: Payload): void {
    outbox.set(serverId, [...(outbox.get(serverId) ?? []), payload]);
    timer ??= setTimeout(flush, coalesceMs);
  }

  function flush(): void {
    timer = null;
    const mail = outbox;
    outbox = new Map();
    const channels: string[] = [];
    const payloads: string[] = [];
    for (const [serverId, parts] of mail) {
      for (const payload of merge(parts)) {
        channels.push(channelOf(serverId));
        payloads.push(JSON.stringify(payload));
      }
    }
    sending = Promise.all([sending, send(channels, payloads)]);
  }

  async function send(channels: readonly string[], payloads: readonly string[]): Promise<void> {
    const text = "SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS n(c, p)";
    try {
      await o.sql.rows({ name: "notify", text, values: [channels, payloads] });
    } catch (error) {
      o.log.warn({ err: error }, "signals to other servers were lost; their polls find the work");
    }
  }

  function each(agents: readonly Held[], kind: "wake" | "cancel"): void {
    const here = new Set<string>();
    const elsewhere = new Map<string, Set<string>>();
    for (const { agentId, holder } of agents) {
      if (holder === o.serverId || held.has(agentId)) here.add(agentId);
      if (holder !== null && holder !== o.serverId)
        elsewhere.set(holder, (elsewhere.get(holder) ?? new Set()).add(agentId));
    }
    if (here.size > 0) deliver({ [kind]: [...here] });
    for (const [serverId, ids] of elsewhere) post(serverId, { [kind]: [...ids] });
  }

  const sender: SignalSender = {
    wake: (agents) => {
      if (o.wakeUp) each(agents, "wake");
    },
    cancel: (agents) => each(agents, "cancel"),
    drop: ({ agentId, holder, epoch }, reason) => {
      const payload = { drop: [{ agentId, epoch, reason }] };
      if (holder === o.serverId) deliver(payload);
      else if (holder !== null) post(holder, payload);
    },
    hold: (agentId) => void held.add(agentId),
    release: (agentId) => void held.delete(agentId),
  };

  return {
    sender,
    onSignal(signals: SessionSignals): () => void {
      listeners.add(signals);
      return () => void listeners.delete(signals);
    },
    /** For what came in on this server's channel. */
    receive(text: string): void {
      const payload = parse(text);
      if (payload === null)
        o.log.warn({ code: "bad_notification" }, "a notification on this server's channel can't be read");
      else deliver(o.wakeUp ? payload : { ...payload, wake: [] });
    },
    /** Sends what waits; resolves when it is out. */
    async close(): Promise<void> {
      if (timer !== null) {
        clearTimeout(timer);
        flush();
      }
      await sending;
    },
  };
}

/** The fewest payloads that carry all of `parts`, each of them small enough. */
function merge(parts: readonly Payload[]): Payload[] {
  const wake = [...new Set(parts.flatMap((part) => part.wake ?? []))];
  const cancel = [...new Set(parts.flatMap((part) => part.cancel ?? []))];
  const drop = parts.flatMap((part) => part.drop ?? []);
  return [
    ...inSlices(wake).map((slice) => ({ wake: slice })),
    ...inSlices(cancel).map((slice) => ({ cancel: slice })),
    ...inSlices(drop).map((slice) => ({ drop: slice })),
  ];
}

function inSlices<T>(all: readonly T[]): T[][] {
  const slices: T[][] = [];
  for (let at = 0; at < all.length; at += entriesPerPayload) slices.push(all.slice(at, at + entriesPerPayload));
  return slices;
}

function parse(text: string): Payload | null {
  try {
    const value: Payload | null = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
