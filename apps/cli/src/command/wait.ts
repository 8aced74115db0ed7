import type { CommandView } from "../api/command.ts";
import { followCommand } from "../api/follow.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import type { Session } from "../session.ts";
import { spokenDuration } from "../terminal/time.ts";

/** Resolves when the command has ended. Throws a CliFailure (75) when `timeoutMs` is over before that. */
export async function waitForEnd(session: Session, commandId: string, timeoutMs?: number): Promise<void> {
  const over = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
  let seen: CommandView | null = null;
  const events = followCommand(session.client, commandId, {
    output: false,
    ...(over ? { signal: over } : {}),
    onLost: (why) => void session.terminal.note(`fleetwire: ${why}; trying again`),
  });
  try {
    for await (const event of events) {
      if (event.kind === "state") seen = event.command;
    }
  } catch (error) {
    if (!over?.aborted) throw error;
    throw new CliFailure(
      exitCodes.tryAgain,
      `the command is still ${seen?.status ?? "there"} after ${spokenDuration(timeoutMs ?? 0)}`,
      { hint: `fleetwire command status ${commandId}` },
    );
  }
}
