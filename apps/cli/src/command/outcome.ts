import type { CommandView } from "../api/command.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Colors } from "../terminal/terminal.ts";
import { spokenDuration } from "../terminal/time.ts";

/** The process exit code for a command that has ended: the remote one where there is one (see exit-codes.ts). */
export function exitCodeOf(command: CommandView): number {
  if (command.status === "completed") return exitCodes.ok;
  if (command.status === "timeout") return exitCodes.timeout;
  const remote = command.result?.exitCode ?? -1;
  return command.status === "failed" && isRemoteCode(command) ? remote & 0xff : exitCodes.notRun;
}

/** Whether the exit code of the process is the remote command's own; otherwise a line on stderr explains it. */
export function isRemoteCode({ status, result }: CommandView): boolean {
  if (status === "completed") return true;
  return status === "failed" && result !== null && result.error === null && (result.exitCode ?? -1) > 0;
}

/** "failed with exit code 3 after 1.2 s", "timeout (start_unknown): …". */
export function describeOutcome({ status, result }: CommandView): string {
  const code = status === "failed" && (result?.exitCode ?? -1) > 0 ? ` with exit code ${result?.exitCode}` : "";
  const error = result?.error && result.error !== status ? ` (${result.error})` : "";
  const took = result?.durationMs === null || result === null ? "" : ` after ${spokenDuration(result.durationMs)}`;
  const message = result?.errorMessage ? `: ${result.errorMessage}` : "";
  return `${status}${code}${error}${took}${message}`;
}

export function paintStatus(colors: Colors, status: string, cell: string): string {
  if (status === "completed" || status === "online") return colors.green(cell);
  if (status === "failed" || status === "timeout" || status === "revoked") return colors.red(cell);
  if (status === "cancelled" || status === "expired") return colors.yellow(cell);
  return status === "offline" ? colors.dim(cell) : cell;
}
