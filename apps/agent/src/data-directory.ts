import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Logger } from "@fleetwire/service";
import { createOutputPipes, type OutputPipes } from "./execution/output-pipes.ts";
import { AgentError, exitCodes } from "./exit-codes.ts";
import { type Ledger, openLedger } from "./ledger/ledger.ts";
import { LedgerFileError } from "./ledger/schema.ts";

/**
 * Makes the data directory where it is missing (mode 0700) and opens what is in it: first the ledger, whose lock keeps a second process away
 * from everything else in it.
 *
 * @throws AgentError `dataUnavailable`: another process has it, or the system refuses; the message says which.
 */
export async function openDataDirectory(options: {
  dataDirectory: string;
  ledgerFile: string;
  log: Logger;
}): Promise<{ ledger: Ledger; pipes: OutputPipes }> {
  const { dataDirectory, ledgerFile, log } = options;
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    mkdirSync(dirname(ledgerFile), { recursive: true, mode: 0o700 });
    const ledger = await openLedger({ path: ledgerFile, log });
    return { ledger, pipes: createOutputPipes(join(dataDirectory, "pipes")) };
  } catch (error) {
    throw new AgentError(exitCodes.dataUnavailable, reasonOf(error, dataDirectory, ledgerFile), { cause: error });
  }
}

function reasonOf(error: unknown, dataDirectory: string, ledgerFile: string): string {
  if (error instanceof LedgerFileError && error.code === "in_use") {
    return `another process uses the ledger ${ledgerFile}: two agents can't share one data directory`;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return `the data directory ${dataDirectory} can't be used: ${reason}`;
}
