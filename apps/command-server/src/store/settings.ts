/** Durations in ms, sizes in bytes. */
export interface StoreSettings {
  /** How long a command's record is kept after its end. */
  recordTtlMs: number;
  /** How long an ended agent session is kept in the agent's history. */
  sessionTtlMs: number;
  feedMaxAgeMs: number;
  feedMaxEntries: number;
  /** For commands that name no `expiresAt`. */
  defaultExpiryMs: number;
  /** A session or server that hasn't been heard of for this long holds nothing any more. */
  holderTimeoutMs: number;
  /** Without a start report, an assigned command ends this long after its start window. */
  startGraceMs: number;
  /** What a started command gets on top of its timeout before the server ends it. */
  timeoutGraceMs: number;
  /** Kept of the beginning and of the end of each output. */
  outputHeadBytes: number;
  outputTailBytes: number;
  /** False: no wake-ups, work waits for the poll. */
  wakeUp: boolean;
}

const seconds = 1000;
const hours = 3600 * seconds;

export const defaultStoreSettings: StoreSettings = {
  recordTtlMs: 7 * 24 * hours,
  sessionTtlMs: 30 * 24 * hours,
  feedMaxAgeMs: 24 * hours,
  feedMaxEntries: 1_000_000,
  defaultExpiryMs: 24 * hours,
  holderTimeoutMs: 30 * seconds,
  startGraceMs: 60 * seconds,
  timeoutGraceMs: 30 * seconds,
  outputHeadBytes: 512 * 1024,
  outputTailBytes: 512 * 1024,
  wakeUp: true,
};
