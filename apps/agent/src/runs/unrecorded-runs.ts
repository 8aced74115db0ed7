import type { Assign } from "@fleetwire/proto";
import type { Clock } from "@fleetwire/service";
import type { Prepared } from "../commands/prepare.ts";
import type { Link } from "../connection/session.ts";
import type { OutputPiece } from "../ledger/records.ts";
import { sendResult } from "./reports.ts";
import { finishedResult } from "./results.ts";

const defaultTimeoutMs = 300_000;

/**
 * Runs that no ledger needs (PING, FACTS): answered with a Result alone, and only on the stream that asked. When that
 * ends first, the server finds them not held and asks again.
 */
export function createUnrecordedRuns({ clock }: { clock: Clock }) {
  async function run(frame: Assign, { handler, request }: Prepared & { kind: "ready" }, link: Link): Promise<void> {
    const { commandId, attempt, assignNo } = frame;
    const output: OutputPiece[] = [];
    let outputBytes = 0;
    const startedMs = clock.monotonicMs();
    const execution = handler.run(request, {
      write(stream, data) {
        output.push({ offset: outputBytes, stream, data });
        outputBytes += data.length;
      },
    });
    const timeoutMs = frame.timeoutMs || defaultTimeoutMs;
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), Math.min(timeoutMs, 2 ** 31 - 1));
    const end = await Promise.race([execution.ended, late.promise]);
    clearTimeout(timer);
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    const result = finishedResult(end ?? { outcome: "failed", exitCode: -1, error: "", errorMessage: "" }, {
      stopReason: end === null ? "timeout" : null,
      timeoutMs,
      durationMs,
      outputBytes,
    });
    await sendResult(link, {
      commandId,
      attempt,
      assignNo,
      result,
      recorded: false,
      startedAgoMs: durationMs,
      output,
      sentEnd: 0,
    });
  }

  return {
    run: (frame: Assign, prepared: Prepared & { kind: "ready" }, link: Link) => void run(frame, prepared, link),
  };
}
