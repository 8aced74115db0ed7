/**
 * How the agent's process ends, and what its launcher does then:
 *
 *   code  meaning                                                     launcher
 *   0     stopped by a signal or by STOP                              ends too
 *   69    a newer session of the same agent and ledger took over      ends too
 *   70    unexpected error                                            starts it again, with backoff
 *   73    another process uses the data directory, or it can't be     ends too
 *         written
 *   75    RESTART                                                     starts it again at once
 *   77    the server refused the agent for good: join token invalid,  ends too
 *         id bound to another key, or revoked
 *   78    settings are wrong                                          ends too
 *
 * Numbers as in sysexits.h. The launcher treats any other code, and a death by signal, like 70.
 */
export const exitCodes = {
  stopped: 0,
  superseded: 69,
  crashed: 70,
  dataUnavailable: 73,
  restart: 75,
  refused: 77,
  badSettings: 78,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends the agent before or instead of its normal work; the message is for the person who started it. */
export class AgentError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentError";
    this.exitCode = exitCode;
  }
}
