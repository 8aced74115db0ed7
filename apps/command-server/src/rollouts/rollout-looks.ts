import { setTimeout as sleep } from "node:timers/promises";
import type { CommandStore } from "../store/command-store.ts";
import type { Rollout } from "./rollout.ts";

/** Between two looks at one rollout, and the longest without a hint. */
const paceMs = 200;
const doubtMs = 2_000;

/** What was seen of a rollout; null: the company has none of this id. */
export interface Look {
  rollout: Rollout | null;
  /** Tells looks apart: see `changed`. */
  version: number;
}

/** One follower's view of a rollout. */
export interface RolloutWatch {
  /** As it is after all that was hinted at. */
  look(): Promise<Look>;
  /** Resolves when there may be something that this look didn't show, or at the signal. */
  changed(seen: Look, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface RolloutLooks {
  open(companyId: string, rolloutId: string): RolloutWatch;
}

/** Followers of one rollout share their looks at it: five a second at most, however many they are, and none while nothing moves. */
export function createRolloutLooks(store: CommandStore): RolloutLooks {
  const watched = new Map<string, SharedLooks>();
  return {
    open(companyId, rolloutId) {
      const key = JSON.stringify([companyId, rolloutId]);
      const shared = watched.get(key) ?? new SharedLooks(store, () => store.getRollout(companyId, rolloutId));
      watched.set(key, shared);
      shared.followers += 1;
      return {
        look: () => shared.look(),
        changed: (seen, signal) => shared.changed(seen.version, signal),
        close() {
          shared.followers -= 1;
          if (shared.followers > 0) return;
          shared.close();
          if (watched.get(key) === shared) watched.delete(key);
        },
      };
    },
  };
}

class SharedLooks {
  followers = 0;
  readonly #read: () => Promise<Rollout | null>;
  readonly #unsubscribe: () => void;
  readonly #doubt: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
  /** Counts the hints. */
  #version = 1;
  /** The last look that began, and the one that waits for its turn. */
  #latest: { version: number; look: Promise<Look> } | null = null;
  #coming: Promise<Look> | null = null;
  #pause: Promise<void> = Promise.resolve();

  constructor(store: CommandStore, read: () => Promise<Rollout | null>) {
    this.#read = read;
    const hint = (): void => {
      this.#version += 1;
      for (const wake of this.#waiting) wake();
    };
    this.#unsubscribe = store.onFeed(hint);
    this.#doubt = setInterval(hint, doubtMs).unref();
  }

  look(): Promise<Look> {
    if (this.#latest?.version === this.#version) return this.#latest.look;
    this.#coming ??= this.#begin();
    return this.#coming;
  }

  async changed(version: number, signal: AbortSignal): Promise<void> {
    if (this.#version > version || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake);
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener("abort", wake);
  }

  close(): void {
    this.#unsubscribe();
    clearInterval(this.#doubt);
  }

  async #begin(): Promise<Look> {
    await this.#pause;
    this.#pause = sleep(paceMs, undefined, { ref: false });
    this.#coming = null;
    const version = this.#version;
    const look = this.#read().then((rollout) => ({ rollout, version }));
    this.#latest = { version, look };
    try {
      return await look;
    } catch (error) {
      if (this.#latest.look === look) this.#latest = null;
      throw error;
    }
  }
}
