import type { Logger } from "@fleetwire/service";
import type { Lane } from "../commands/command.ts";
import type { EndedRun, SessionSignals, SlotOffer } from "./command-store.ts";

/** An agent and the server of its open session, as the store saw it. */
export interface Held {
  agentId: string;
  holder: string | null;
}

export interface SignalSender {
  wake(agents: readonly Held[]): void;
  cancel(agents: readonly Held[]): void;
  /** The store has lost changes that this server had made. */
  settleAll(): void;
  /** A slot for a command that is about to be stored, from a session of this server. */
  offer(agentId: string, lane: Lane): SlotOffer | null;
  stop(runs: readonly (EndedRun & Held)[]): void;
  drop(agent: Held & { epoch: number }, reason: "superseded" | "revoked"): void;
  /** Sessions that this server is opening or holds: signalled here whatever the store had said of them. */
  hold(agentId: string): void;
  release(agentId: string): void;
}

/** What one message carries. */
interface Payload {
  wake?: string[];
  cancel?: string[];
  stop?: EndedRun[];
  drop?: { agentId: string; epoch: number; reason: "superseded" | "revoked" }[];
}

/** A NOTIFY takes payloads below 8000 bytes; ids are at most 128 characters, so this many entries always fit. */
const entriesPerPayload = 40;
/** A run has the longest entry: two ids (128 and 36 characters), two numbers, four names. */
const runsPerPayload = 30;

/** What another server is to hear, below 8000 bytes. */
export interface SignalMessage {
  serverId: string;
  text: string;
}

export interface SignalsOptions {
  serverId: string;
  log: Logger;
  wakeUp: boolean;
  /** What goes to one server within this time goes together. */
  coalesceMs: number;
  /** Brings messages to other servers. One that fails is logged. */
  send(messages: readonly SignalMessage[]): Promise<unknown>;
}

/**
 * Signals for the sessions that a server holds: in process for this one, by messages for others, after the change is
 * durable. A lost one is made good by the poll.
 */
export function createSignals(o: SignalsOptions) {
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
        if (payload.stop) listener.stop(payload.stop);
        for (const { agentId, epoch, reason } of payload.drop ?? []) listener.drop(agentId, epoch, reason);
      } catch (error) {
        o.log.error({ err: error }, "a session signal's listener failed");
      }
    }
  }

  function post(serverId: string, payload: Payload): void {
    const waiting = outbox.get(serverId);
    if (waiting) waiting.push(payload);
    else outbox.set(serverId, [payload]);
    timer ??= setTimeout(flush, o.coalesceMs);
  }

  function flush(): void {
    timer = null;
    const mail = outbox;
    outbox = new Map();
    const messages = [...mail].flatMap(([serverId, parts]) =>
      merge(parts).map((payload) => ({ serverId, text: JSON.stringify(payload) })),
    );
    sending = Promise.all([sending, o.send(messages).catch(lost)]);
  }

  function lost(error: unknown): void {
    o.log.warn({ err: error }, "signals to other servers were lost; their polls find the work");
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
    settleAll: () => {
      for (const listener of listeners) listener.settleAll?.();
    },
    offer: (agentId, lane) => {
      if (!o.wakeUp || !held.has(agentId)) return null;
      for (const listener of listeners) {
        const offer = listener.offer?.(agentId, lane);
        if (offer) return offer;
      }
      return null;
    },
    stop: (runs) => {
      const here: EndedRun[] = [];
      for (const { holder, ...run } of runs) {
        if (holder === o.serverId || held.has(run.agentId)) here.push(run);
        if (holder !== null && holder !== o.serverId) post(holder, { stop: [run] });
      }
      if (here.length > 0) deliver({ stop: here });
    },
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
  const stop = parts.flatMap((part) => part.stop ?? []);
  const drop = parts.flatMap((part) => part.drop ?? []);
  return [
    ...inSlices(wake).map((slice) => ({ wake: slice })),
    ...inSlices(cancel).map((slice) => ({ cancel: slice })),
    ...inSlices(stop, runsPerPayload).map((slice) => ({ stop: slice })),
    ...inSlices(drop).map((slice) => ({ drop: slice })),
  ];
}

function inSlices<T>(all: readonly T[], size: number = entriesPerPayload): T[][] {
  const slices: T[][] = [];
  for (let at = 0; at < all.length; at += size) slices.push(all.slice(at, at + size));
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
