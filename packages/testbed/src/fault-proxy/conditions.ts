/** What the network between the two sides is like now. Shared by all connections of a proxy and read at every step. */
export interface Conditions {
  /** Nothing passes, and neither side learns that the other has gone. */
  halfOpen: boolean;
  /** Each direction, in milliseconds. */
  delayMs: number;
  /** Each direction of each connection. */
  bytesPerSecond: number;
}

/** A network that changes nothing. */
export function fairConditions(): Conditions {
  return { halfOpen: false, delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };
}
