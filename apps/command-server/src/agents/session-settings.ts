/** How agents' sessions behave. Durations are milliseconds, sizes bytes. */
export interface SessionSettings {
  /** The safety-net poll for queued commands. */
  pollingIntervalMs: number;
  /** Most commands given to one agent at once. */
  batchSize: number;
  /** Between two full rounds of removing what is past its keep. */
  cleanupIntervalMs: number;
  /** Between two single rounds, which keep the feed near its bound under load. */
  feedTrimIntervalMs: number;
  /** What agents are asked to send heartbeats at; also how often this server says that it lives. */
  heartbeatIntervalMs: number;
  /** An agent that hasn't said anything for this long is taken for dead. */
  heartbeatTimeoutMs: number;
  /** Heartbeats are written together, this often. */
  heartbeatFlushMs: number;
  /** Facts that an agent sends sooner than this after its last ones aren't taken. */
  factsPauseMs: number;
  /** An assignment has to be answered (started, refused or ended) within this. */
  answerTimeoutMs: number;
  /** How often commands that are due (expired, timed out) are looked for. */
  sweepIntervalMs: number;
  /** Most frames waiting for one agent to read them. */
  sendQueueLimit: number;
  /** Most bytes waiting for one agent to read them; a full batch of the largest commands fits. */
  sendQueueBytes: number;
  /** Largest piece of output in one frame. */
  maxChunkBytes: number;
  /** An agent has to answer the challenge within this. */
  helloTimeoutMs: number;
  /** Hellos worked on at once: enough to fill the store's batches. */
  helloConcurrency: number;
  /** Nobody waits for longer than about this to be greeted, and never more than so many; the others are told when to come. */
  helloWaitMs: number;
  helloQueueLimit: number;
  /** Longest that an agent is told to stay away for while too many connect. */
  helloAwayMs: number;
  /** Slots of the control lane (PING, FACTS, STOP, RESTART). */
  controlSlots: number;
  /** Reports of one agent on their way to the store; beyond it nothing is read from this agent. */
  maxReportsInProcess: number;
  maxReportBytesInProcess: number;
  /**
   * Sustained rate of frames that one agent may send about its own runs, output apart; it is read no faster. Heartbeats
   * and what it says of runs that aren't its own count for several.
   */
  maxFramesPerSecond: number;
  /** After this many seconds in a row above that rate the stream is closed. */
  maxFloodSeconds: number;
  /** A start report waits this long for a result that makes it needless: one write less for quick commands. */
  startedHoldMs: number;
  /** No work for an agent that refused some, for this long. */
  refusalPauseMs: number;
  /** After the end of a stream: how long it may take to flush before it is reset. */
  flushGraceMs: number;
  /** After the end of a stream: how long the reports that it brought may still be tried. */
  lingerMs: number;
}

export const defaultSessionSettings: SessionSettings = {
  pollingIntervalMs: 5_000,
  batchSize: 20,
  cleanupIntervalMs: 3_600_000,
  feedTrimIntervalMs: 60_000,
  heartbeatIntervalMs: 10_000,
  heartbeatTimeoutMs: 25_000,
  heartbeatFlushMs: 1_000,
  factsPauseMs: 1_000,
  answerTimeoutMs: 30_000,
  sweepIntervalMs: 1_000,
  sendQueueLimit: 1_000,
  sendQueueBytes: 32 * 1024 * 1024,
  maxChunkBytes: 64 * 1024,
  helloTimeoutMs: 10_000,
  helloConcurrency: 128,
  helloWaitMs: 4_000,
  helloQueueLimit: 4_000,
  helloAwayMs: 30_000,
  controlSlots: 8,
  maxReportsInProcess: 256,
  maxReportBytesInProcess: 1024 * 1024,
  maxFramesPerSecond: 1_000,
  maxFloodSeconds: 10,
  startedHoldMs: 10,
  refusalPauseMs: 1_000,
  flushGraceMs: 1_000,
  lingerMs: 10_000,
};
