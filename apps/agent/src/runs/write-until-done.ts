import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@fleetwire/service";
import { LedgerFileError } from "../ledger/schema.ts";

const againAfterMs = 1_000;

/**
 * Writes (or reads) what the agent may speak of only then: a full disk is waited for. A ledger that is closed or
 * damaged is given up, with the error; the next start finds the run without an end and reports it as interrupted.
 */
export async function writeUntilDone<T>(log: Logger, write: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (err) {
      if (!(err instanceof LedgerFileError) || err.code !== "unavailable") throw err;
      log.error({ err, againAfterMs }, "the ledger can't be written: trying again");
      await sleep(againAfterMs);
    }
  }
}
