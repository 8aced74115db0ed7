import type { Logger } from "@fleetwire/service";
import type { CommandStatus } from "../commands/command.ts";
import type { WatchEvent } from "./command-store.ts";

/** Where an adapter tells what it has just made durable. */
export interface ChangeHub {
  changed(events: readonly WatchEvent[]): void;
  /** Something else than a command's state went into the feed. */
  feedGrew(): void;
}

type Listener = (event: WatchEvent) => void;

interface Watched {
  listeners: Set<Listener>;
  /** What the listeners know of; -1: nothing yet. */
  revision: number;
  end: number;
}

/** How far changes by other servers may lag behind, and the pause between two looks at the feed's end. */
const tailMs = 200;
const feedPulseMs = 5;

/** Where one watched command stands. */
export interface Standing {
  id: string;
  status: CommandStatus;
  revision: number;
  outputEnd: number;
}

/** How an adapter looks at what other servers have done. */
export interface WatchSource {
  /** Of those that are there. One lookup each, so that the cost follows the watchers and not the traffic. */
  standing(ids: readonly string[]): Promise<readonly Standing[]>;
  /** Where the feed can be read up to, and whether that is more than at `since`. */
  feedMark(since: number | null): Promise<{ mark: number; grew: boolean }>;
}

/**
 * Watchers of this process. Changes made here reach them right after the commit; those of other servers are looked up
 * every 200 ms, only while somebody watches. What a listener throws is logged.
 */
export function createWatch(o: { source: WatchSource; log: Logger }) {
  const commands = new Map<string, Watched>();
  const feedListeners = new Set<() => void>();
  let pulse: NodeJS.Timeout | null = null;
  let tail: NodeJS.Timeout | null = null;
  let mark: number | null = null;
  let failing = false;
  let closed = false;

  function tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      o.log.error({ err: error }, "a watcher failed");
    }
  }

  function tellWatchers(event: WatchEvent): void {
    const watched = commands.get(event.commandId);
    if (watched === undefined) return;
    if (event.kind === "state") {
      if (event.revision <= watched.revision) return;
      watched.revision = event.revision;
    } else if (event.end === watched.end) return;
    else watched.end = event.end;
    for (const listener of watched.listeners) tell(() => listener(event));
  }

  function feedGrew(): void {
    if (feedListeners.size === 0) return;
    pulse ??= setTimeout(() => {
      pulse = null;
      for (const listener of feedListeners) tell(listener);
    }, feedPulseMs);
  }

  function startTail(): void {
    if (tail !== null || closed || (commands.size === 0 && feedListeners.size === 0)) return;
    tail = setTimeout(() => {
      lookAround()
        .then(() => report(null), report)
        .finally(() => {
          tail = null;
          startTail();
        });
    }, tailMs);
    tail.unref();
  }

  /** One line per outage, not five a second. */
  function report(error: unknown): void {
    if (error !== null && !failing) o.log.warn({ err: error }, "looking for other servers' changes fails; trying on");
    failing = error !== null;
  }

  async function lookAround(): Promise<void> {
    if (commands.size > 0) {
      for (const { id, status, revision, outputEnd } of await o.source.standing([...commands.keys()])) {
        if (outputEnd > 0) tellWatchers({ kind: "output", commandId: id, end: outputEnd });
        tellWatchers({ kind: "state", commandId: id, status, revision });
      }
    }
    if (feedListeners.size > 0) {
      const next = await o.source.feedMark(mark);
      if (next.grew || mark === null) feedGrew();
      mark = next.mark;
    } else mark = null;
  }

  return {
    hub: {
      changed(events) {
        for (const event of events) tellWatchers(event);
        if (events.some(({ kind }) => kind === "state")) feedGrew();
      },
      feedGrew,
    } satisfies ChangeHub,
    watch(commandId: string, listener: Listener): () => void {
      const watched = commands.get(commandId) ?? { listeners: new Set(), revision: -1, end: -1 };
      // A listener of its own per call: the same function may watch twice.
      const own: Listener = (event) => listener(event);
      watched.listeners.add(own);
      commands.set(commandId, watched);
      startTail();
      return () => {
        watched.listeners.delete(own);
        if (watched.listeners.size === 0 && commands.get(commandId) === watched) commands.delete(commandId);
      };
    },
    onFeed(listener: () => void): () => void {
      const own = () => listener();
      feedListeners.add(own);
      startTail();
      return () => void feedListeners.delete(own);
    },
    close(): void {
      closed = true;
      if (pulse !== null) clearTimeout(pulse);
      if (tail !== null) clearTimeout(tail);
      commands.clear();
      feedListeners.clear();
    },
  };
}
