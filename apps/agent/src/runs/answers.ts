import type { Logger } from "@fleetwire/service";
import type { Link } from "../connection/session.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Assignment, NewRun, RecordOutcome, RefusalReason } from "../ledger/records.ts";
import { refusedReport, sendResult } from "./reports.ts";
import { rejectedResult } from "./results.ts";
import type { Unacknowledged } from "./unacknowledged.ts";
import { writeUntilDone } from "./write-until-done.ts";

/** What the agent answers to an assignment that it doesn't begin. */
export interface Answers {
  /** Writes the refusal, then says it. */
  refuse(run: NewRun, reason: RefusalReason): Promise<void>;
  /** The refusal is written. Without a stream it is said on the next. */
  sayRefused(run: Assignment, reason: RefusalReason): void;
  /** What the ledger had before is answered as it was then. */
  known(run: Assignment, outcome: Exclude<RecordOutcome, { kind: "recorded" }>): void;
  attach(link: Link): void;
  detach(): void;
  /** Another ledger begins. */
  clear(): void;
}

export function createAnswers(options: {
  ledger: Ledger;
  log: Logger;
  unacknowledged: Unacknowledged;
  onFatal: (error: unknown) => void;
}): Answers {
  const { ledger, log, unacknowledged, onFatal } = options;
  const unsaid = new Map<number, { run: Assignment; reason: RefusalReason }>();
  let link: Link | null = null;

  async function refuse(
    { commandId, attempt, assignNo, type, acceptedAt }: NewRun,
    reason: RefusalReason,
  ): Promise<void> {
    const run = { commandId, attempt, assignNo };
    try {
      const outcome = await writeUntilDone(log, () => ledger.refuse({ ...run, type, acceptedAt }, reason));
      const neverStarts = outcome.kind === "recorded" || (outcome.kind === "forgotten" && reason === "cancelled");
      if (neverStarts) sayRefused(run, reason);
      else known(run, outcome);
    } catch (error) {
      onFatal(error);
    }
  }

  function known(run: Assignment, outcome: Exclude<RecordOutcome, { kind: "recorded" }>): void {
    if (outcome.kind === "number_taken") {
      log.error(
        { ...named(run) },
        "the server gives a number that it had given before: connecting again, so that it hears of those that are taken",
      );
      link?.giveUp("a number of an assignment came for the second time");
    } else if (outcome.kind === "forgotten") {
      log.warn({ ...named(run) }, "an assignment from below the ledger's horizon: not run");
      const errorMessage = "the agent's ledger no longer knows whether it ran";
      const result = rejectedResult({ error: "ledger_lost", errorMessage });
      if (link !== null)
        void sendResult(link, { ...named(run), result, recorded: false, startedAgoMs: 0, output: [], sentEnd: 0 });
    } else if (outcome.state === "refused") {
      sayRefused(run, outcome.refusal ?? "cancelled");
    } else if (outcome.state === "done") {
      unacknowledged.add(run);
      if (link !== null) unacknowledged.send(link, run, null);
    }
  }

  function sayRefused(run: Assignment, reason: RefusalReason): void {
    if (link === null) unsaid.set(run.assignNo, { run, reason });
    else void link.send(refusedReport(run, reason));
  }

  return {
    refuse,
    sayRefused,
    known,
    attach(next) {
      link = next;
      for (const { run, reason } of unsaid.values()) void next.send(refusedReport(run, reason));
      unsaid.clear();
    },
    detach() {
      link = null;
    },
    clear: () => unsaid.clear(),
  };
}

/** A run as the log and reports name it. */
export function named({ commandId, attempt, assignNo }: Assignment): Assignment {
  return { commandId, attempt, assignNo };
}
