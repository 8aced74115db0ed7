/** What the credits do at the broker: consumers that hold one delivery each. */
export interface BandChannel {
  /** Gives the tag; undefined when the channel isn't there. */
  addConsumer(): Promise<string | undefined>;
  dropConsumer(tag: string): Promise<void>;
}

/**
 * Spreads c + 3 credits over the bands; a credit is a consumer that holds one delivery. Each band always has one, so
 * that an urgent delivery is here at once; the others go where every credit is in use: from a band that has idle ones,
 * else from a less urgent band, whose credit is free when its delivery is settled.
 */
export interface BandCredits {
  begun(band: number, tag: string): void;
  received(band: number, tag: string): void;
  settled(band: number, tag: string): void;
  /** The band's consumers are cancelled; it begins anew with one. */
  paused(band: number): void;
  /** The band's channel is gone, its credits with it. */
  lost(band: number): void;
}

interface Band {
  /** Tags, and whether each holds a delivery. */
  readonly tags: Map<string, boolean>;
  /** Cancelled while they held a delivery. */
  readonly retiring: Set<string>;
}

/** `bands` from the most urgent to the least. */
export function createBandCredits(bands: readonly BandChannel[], concurrency: number): BandCredits {
  const states: Band[] = bands.map(() => ({ tags: new Map<string, boolean>(), retiring: new Set<string>() }));
  let free = concurrency - 1;
  let balancing = false;
  let again = false;

  async function balance(): Promise<void> {
    if (balancing) {
      again = true;
      return;
    }
    balancing = true;
    do {
      again = false;
      for (let band = 0; band < states.length; band++) {
        if (isInNeed(band)) await help(band);
      }
    } while (again);
    balancing = false;
  }

  function isInNeed(band: number): boolean {
    const state = states[band];
    return state !== undefined && state.tags.size > 0 && [...state.tags.values()].every(Boolean);
  }

  async function help(band: number): Promise<void> {
    if (free > 0) {
      await give(band);
      return;
    }
    const idle = findTag(false, (other) => other !== band);
    if (idle !== undefined) {
      await take(idle.band, idle.tag);
      if (free > 0) await give(band);
      return;
    }
    const retiring = states.reduce((sum, state) => sum + state.retiring.size, 0);
    const busy = retiring > 0 ? undefined : findTag(true, (other) => other > band);
    if (busy !== undefined) await take(busy.band, busy.tag);
  }

  async function give(band: number): Promise<void> {
    free -= 1;
    const tag = await bands[band]?.addConsumer();
    if (tag === undefined) free += 1;
    else if (states[band]?.tags.has(tag) === false) states[band].tags.set(tag, false);
  }

  async function take(band: number, tag: string): Promise<void> {
    await bands[band]?.dropConsumer(tag);
    const state = states[band];
    // A delivery may have come while it was cancelled.
    const holds = state?.tags.get(tag);
    if (state === undefined || holds === undefined) return;
    state.tags.delete(tag);
    if (holds) state.retiring.add(tag);
    else free += 1;
  }

  /** The least urgent band first; never a band's last credit. */
  function findTag(holding: boolean, isEligible: (band: number) => boolean): { band: number; tag: string } | undefined {
    for (let band = states.length - 1; band >= 0; band--) {
      const state = states[band];
      if (state === undefined || state.tags.size < 2 || !isEligible(band)) continue;
      for (const [tag, holds] of state.tags) if (holds === holding) return { band, tag };
    }
    return undefined;
  }

  return {
    begun: (band, tag) => {
      const state = states[band];
      if (state !== undefined && !state.tags.has(tag)) state.tags.set(tag, false);
    },
    received: (band, tag) => {
      states[band]?.tags.set(tag, true);
      void balance();
    },
    settled: (band, tag) => {
      const state = states[band];
      if (state === undefined) return;
      if (state.retiring.delete(tag)) free += 1;
      else if (state.tags.has(tag)) state.tags.set(tag, false);
      void balance();
    },
    paused: (band) => {
      const state = states[band];
      if (state === undefined || state.tags.size === 0) return;
      const busy = [...state.tags].filter(([, holds]) => holds).map(([tag]) => tag);
      const idle = state.tags.size - busy.length;
      state.tags.clear();
      // The band's own credit stays its own: of the others, idle ones are free now, busy ones when they are settled.
      free += Math.max(0, idle - 1);
      for (const tag of idle === 0 ? busy.slice(1) : busy) state.retiring.add(tag);
    },
    lost: (band) => {
      const state = states[band];
      if (state === undefined) return;
      free += Math.max(0, state.tags.size - 1) + state.retiring.size;
      state.tags.clear();
      state.retiring.clear();
    },
  };
}
