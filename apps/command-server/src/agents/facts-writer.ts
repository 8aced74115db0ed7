import type { Clock, Logger } from "@fleetwire/service";
import type { CommandStore } from "../store/command-store.ts";
import { readFacts } from "./facts.ts";
import { StopSignal } from "./stop-signal.ts";
import { untilStored } from "./store-retry.ts";

/** One session: whose facts they are, and who is to be told that they are stored. */
export interface FactsSource {
  readonly agentId: string;
  readonly epoch: number;
  acknowledgeFacts(): void;
}

export interface FactsWriter {
  add(source: FactsSource, json: string): void;
  /** Takes no more, and gives up what waits: it isn't acknowledged, so the agents send it again. */
  stop(): Promise<void>;
}

interface Waiting {
  source: FactsSource;
  json: string;
}

const writesAtOnce = 2;
const waitingBytes = 32 * 1024 * 1024;

/**
 * Stores the facts that agents send by themselves. However many agents begin at once, the store sees two writes at a
 * time, of each agent the last; the rest waits here. What is beyond the bound, or comes sooner than `pauseMs` after the
 * session's last ones, isn't taken: without an acknowledgement the agent sends it again later.
 */
export function createFactsWriter(o: {
  store: Pick<CommandStore, "putFacts">;
  log: Logger;
  clock: Clock;
  pauseMs: number;
  maxBytes?: number;
}): FactsWriter {
  const { store, log, clock, pauseMs, maxBytes = waitingBytes } = o;
  const stopping = new StopSignal();
  const waiting = new Map<string, Waiting>();
  const writing = new Map<string, Promise<void>>();
  const takenMs = new WeakMap<FactsSource, number>();
  let bytes = 0;

  function add(source: FactsSource, json: string): void {
    const nowMs = clock.monotonicMs();
    if (nowMs - (takenMs.get(source) ?? -Infinity) < pauseMs) return;
    takenMs.set(source, nowMs);
    remove(source.agentId);
    if (stopping.aborted || bytes + json.length > maxBytes) {
      log.debug({ agentId: source.agentId, bytes }, "facts that can't be taken now; the agent sends them again");
      return;
    }
    waiting.set(source.agentId, { source, json });
    bytes += json.length;
    pump();
  }

  function remove(agentId: string): void {
    bytes -= waiting.get(agentId)?.json.length ?? 0;
    waiting.delete(agentId);
  }

  function pump(): void {
    for (const [agentId, next] of waiting) {
      if (writing.size >= writesAtOnce) return;
      if (writing.has(agentId)) continue;
      remove(agentId);
      const written = write(next).finally(() => {
        writing.delete(agentId);
        pump();
      });
      writing.set(agentId, written);
    }
  }

  async function write({ source, json }: Waiting): Promise<void> {
    const { agentId, epoch } = source;
    const facts = readFacts(json);
    try {
      if (facts === null) log.warn({ agentId, epoch }, "facts that aren't a JSON object within 256 KiB were left out");
      else await untilStored(() => store.putFacts(agentId, facts), { signal: stopping, log, what: "facts" });
      source.acknowledgeFacts();
    } catch (error) {
      if (!stopping.aborted) log.error({ err: error, agentId, epoch }, "facts couldn't be stored");
    }
  }

  return {
    add,
    async stop() {
      waiting.clear();
      bytes = 0;
      stopping.abort();
      await Promise.all(writing.values());
    },
  };
}
