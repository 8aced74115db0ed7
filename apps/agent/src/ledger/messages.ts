/** What the ledger's client and its thread say to each other. */
import type { LedgerFile } from "./ledger-file.ts";
import type { LedgerOperations, TrimPolicy } from "./records.ts";
import type { LedgerFileError } from "./schema.ts";

export interface LedgerThreadData {
  path: string;
  /** For the file, where there is none yet. */
  newLedgerId: string;
  trimPolicy: TrimPolicy;
}

/** The thread's first message. */
export type LedgerStart =
  | { kind: "opened"; quarantined: { path: string; reason: string } | null }
  | { kind: "failed"; code: LedgerFileError["code"]; message: string };

type Request<T, N extends keyof T> = T[N] extends (...args: infer A) => unknown
  ? { id: number; name: N; args: A }
  : never;

export type LedgerRequest =
  | { [N in keyof LedgerOperations]: Request<LedgerOperations, N> }[keyof LedgerOperations]
  | Request<LedgerFile, "renew">
  | Request<LedgerFile, "close">;

export type LedgerReply =
  { id: number; value: unknown } | { id: number; error: { code: LedgerFileError["code"]; message: string } };
