import { exitCodes, type ExitCode } from "./exit-codes.ts";

/** What ends the program with a message for a person instead of a stack trace. */
export class CliFailure extends Error {
  readonly exitCode: ExitCode;
  /** The server's code in snake_case, where it sent one. */
  readonly code: string | null;
  /** What to do about it; printed on a line of its own. */
  readonly hint: string | null;

  constructor(exitCode: ExitCode, message: string, extra: { code?: string; hint?: string; cause?: unknown } = {}) {
    super(message, extra.cause === undefined ? {} : { cause: extra.cause });
    this.name = "CliFailure";
    this.exitCode = exitCode;
    this.code = extra.code ?? null;
    this.hint = extra.hint ?? null;
  }
}

/** The command line is wrong. */
export function usageFailure(message: string): CliFailure {
  return new CliFailure(exitCodes.usage, message);
}
