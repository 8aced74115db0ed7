import type { Clock } from "@fleetwire/service";

/** A stream's place in the line. */
export interface Ticket {
  /** Its hello has come: resolves when it is to be worked on, or when the place was given up. */
  turn(): Promise<void>;
  /** Gives up the place, or ends its turn. Any number of times. */
  leave(): void;
}

export interface Admission {
  /** For a stream that has opened: a place in the line; or, as ms, when it should come back. Costs next to nothing. */
  arrive(): Ticket | number;
}

export interface AdmissionOptions {
  /** Hellos worked on at once. */
  concurrency: number;
  /** Nobody is let into the line who would have to wait for longer. */
  maxWaitMs: number;
  /** Most in the line, however fast it moves. */
  maxLine: number;
  /** Longest that anybody is sent away for. */
  maxAwayMs: number;
  clock: Clock;
  /** Default `Math.random`. */
  random?: () => number;
}

interface Place {
  /** `in line`: its hello hasn't come yet. `passed over`: it was silent for so long that another one got its place. */
  state: "in line" | "passed over" | "waiting" | "inside" | "gone";
  sinceMs: number;
  granted(): void;
}

/** Who hasn't said hello after this long gives way when the line is full: silent streams must not keep agents out. */
const silentMs = 2_000;

// Hellos a second. Taken for the rate until one was measured; and those who are sent away come no more slowly than this:
// to come too soon costs little, and a server that was slow for a moment is fast again.
const assumedRate = 400;
// The line is never shorter than at this rate.
const slowest = 20;
const windowMs = 500;

/**
 * Who may greet when a herd comes back: as many as can be served within a few seconds at the rate at which hellos were
 * served lately. The rest is told when to come: each gets a time of its own, as far from the one before as the server
 * needs for one hello. So a herd comes back in the time that it takes to serve it, most of it with one refusal, and
 * nobody is asked to try again and again.
 *
 * The rate follows what is served in each half second: upwards at once, downwards slowly, and only while the line never
 * ran dry. A server that stalls has a shorter line.
 */
export function createAdmission(o: AdmissionOptions): Admission {
  const { clock, random = Math.random } = o;
  const waiting = new Set<Place>();
  // Those without a hello, the oldest first.
  const silent = new Set<Place>();
  let line = 0;
  let inside = 0;
  let rate = assumedRate;
  let served = 0;
  let windowFromMs = clock.monotonicMs();
  let ranDry = true;
  let lastSlotMs = -Infinity;

  function limit(): number {
    return Math.min(o.maxLine, Math.max(o.concurrency, (rate * o.maxWaitMs) / 1_000));
  }

  /** Looks at the half second that has passed, if it has. */
  function measure(): void {
    const elapsedMs = clock.monotonicMs() - windowFromMs;
    if (elapsedMs < windowMs) return;
    const measured = (served * 1_000) / elapsedMs;
    if (measured > rate) rate = (rate + measured) / 2;
    else if (!ranDry) rate = Math.max(slowest, rate * 0.8 + measured * 0.2);
    windowFromMs += elapsedMs;
    served = 0;
    ranDry = waiting.size === 0;
  }

  function sendAway(): number {
    const nowMs = clock.monotonicMs();
    const slotMs = Math.max(lastSlotMs + 1_000 / Math.max(rate, assumedRate), nowMs + o.maxWaitMs / 2);
    if (slotMs - nowMs > o.maxAwayMs) return Math.round(o.maxAwayMs * (0.5 + random() / 2));
    lastSlotMs = slotMs;
    return Math.round((slotMs - nowMs) * (0.9 + random() / 5));
  }

  function arrive(): Ticket | number {
    measure();
    if (line >= limit() && !passOver()) return sendAway();
    line += 1;
    const place: Place = { state: "in line", sinceMs: clock.monotonicMs(), granted() {} };
    silent.add(place);
    return { turn: () => turn(place), leave: () => leave(place) };
  }

  /** Whether somebody who has long been silent gave way. */
  function passOver(): boolean {
    const [oldest] = silent;
    if (oldest === undefined || clock.monotonicMs() - oldest.sinceMs < silentMs) return false;
    oldest.state = "passed over";
    silent.delete(oldest);
    line -= 1;
    return true;
  }

  async function turn(place: Place): Promise<void> {
    if (place.state === "passed over") line += 1;
    else if (place.state !== "in line") return;
    silent.delete(place);
    if (inside < o.concurrency) {
      inside += 1;
      place.state = "inside";
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    place.state = "waiting";
    place.granted = resolve;
    waiting.add(place);
    await promise;
  }

  function leave(place: Place): void {
    const { state } = place;
    if (state === "gone") return;
    place.state = "gone";
    silent.delete(place);
    if (state !== "passed over") line -= 1;
    waiting.delete(place);
    place.granted();
    if (state !== "inside") return;
    served += 1;
    measure();
    const [first] = waiting;
    if (first === undefined) {
      inside -= 1;
      ranDry = true;
    } else {
      waiting.delete(first);
      first.state = "inside";
      first.granted();
    }
  }

  return { arrive };
}
