import type { Clock, Logger } from "@fleetwire/service";
import type { Link } from "../connection/session.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { RunKey } from "../ledger/records.ts";
import { outputFrom, sendResult } from "./reports.ts";
import { writeUntilDone } from "./write-until-done.ts";

/** Runs that ended and whose result the server hasn't acknowledged. The results themselves are in the ledger. */
export interface Unacknowledged {
  add(run: RunKey): void;
  has(run: RunKey): boolean;
  /** False when it wasn't there. */
  remove(run: RunKey): boolean;
  clear(): void;
  /** Sends the stored result; output from `resumeAt` on, or all that is stored. */
  send(link: Link, run: RunKey, resumeAt: number | null): void;
  /** One after the other, as fast as the stream takes them. */
  sendAll(link: Link, resumeAt: (run: RunKey) => number | null): void;
  /** Resolves when none is left. */
  settled(): Promise<void>;
}

export function createUnacknowledged(options: {
  ledger: Ledger;
  clock: Clock;
  log: Logger;
  onFatal: (error: unknown) => void;
}): Unacknowledged {
  const { ledger, clock, log, onFatal } = options;
  const runs = new Map<string, RunKey>();
  let whenSettled: (() => void)[] = [];

  async function sendStored(link: Link, run: RunKey, resumeAt: number | null): Promise<boolean> {
    const stored = await writeUntilDone(log, () => ledger.readResult(run));
    if (stored === null || !runs.has(keyOf(run))) return true;
    const { acceptedAt, output, ...report } = stored;
    const sentEnd = resumeAt ?? 0;
    const startedAgoMs = Math.max(0, clock.now().getTime() - acceptedAt);
    return sendResult(link, { ...report, recorded: true, startedAgoMs, output: outputFrom(output, sentEnd), sentEnd });
  }

  async function sendEach(link: Link, resumeAt: (run: RunKey) => number | null): Promise<void> {
    for (const run of Array.from(runs.values())) {
      if (!(await sendStored(link, run, resumeAt(run)))) return;
    }
  }

  function checkSettled(): void {
    if (runs.size > 0) return;
    for (const resolve of whenSettled) resolve();
    whenSettled = [];
  }

  return {
    add: ({ commandId, attempt }) => void runs.set(keyOf({ commandId, attempt }), { commandId, attempt }),
    has: (run) => runs.has(keyOf(run)),
    remove(run) {
      const removed = runs.delete(keyOf(run));
      checkSettled();
      return removed;
    },
    clear() {
      runs.clear();
      checkSettled();
    },
    send: (link, run, resumeAt) => void sendStored(link, run, resumeAt).catch(onFatal),
    sendAll: (link, resumeAt) => void sendEach(link, resumeAt).catch(onFatal),
    async settled() {
      if (runs.size > 0) await new Promise<void>((resolve) => whenSettled.push(resolve));
    },
  };
}

/** One run among all commands and attempts. */
export function keyOf({ commandId, attempt }: RunKey): string {
  return `${attempt}/${commandId}`;
}
