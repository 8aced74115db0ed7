/* oxlint-disable unicorn/require-post-message-target-origin -- a thread's port has no origin */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Logger } from "@fleetwire/service";
import type { LedgerReply, LedgerRequest, LedgerStart, LedgerThreadData } from "./messages.ts";
import type { LedgerOperations, TrimPolicy } from "./records.ts";
import { LedgerFileError } from "./schema.ts";

type Promised<T> = {
  [N in keyof T]: T[N] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never;
};

/**
 * The agent's durable record of commands. Calls are carried out in the order in which they were made; those that are
 * waiting together are committed together, and a call resolves when its commit is synced to disk.
 *
 * A call rejects with LedgerFileError when its commit failed (disk full, file damaged): then it had no effect.
 */
export interface Ledger extends Promised<LedgerOperations> {
  /** Resolves when the ledger can't be used any more, though nobody closed it: damaged, or its thread failed. */
  readonly lost: Promise<LedgerFileError>;
  /** Keeps the old file aside and begins an empty ledger with this id. */
  renew(ledgerId: string): Promise<void>;
  /** Resolves when everything asked for before is written and the file is free. */
  close(): Promise<void>;
}

const defaultTrimPolicy: TrimPolicy = { maxAgeMs: 7 * 24 * 3_600_000, maxRows: 100_000 };

/**
 * Opens the ledger, or makes it. A damaged one is renamed and a new one begun: the server then takes it for another
 * ledger, and what the old one held for lost.
 *
 * @throws LedgerFileError `in_use`: another process has it; `newer`; `unavailable`: the file can't be opened.
 */
export async function openLedger(options: { path: string; log: Logger; trimPolicy?: TrimPolicy }): Promise<Ledger> {
  const { path, log, trimPolicy = defaultTrimPolicy } = options;
  const workerData: LedgerThreadData = { path, newLedgerId: randomUUID(), trimPolicy };
  // Source and build differ in their file endings.
  const file = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
  const thread = new Worker(file, {
    workerData,
    execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"],
  });
  const [start] = (await once(thread, "message")) as [LedgerStart];
  if (start.kind === "failed") throw new LedgerFileError(start.code, start.message);
  if (start.quarantined !== null) {
    log.error(
      { quarantined: start.quarantined.path, reason: start.quarantined.reason },
      "the ledger was damaged: put aside, a new one begun",
    );
  }

  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  let broken: LedgerFileError | null = null;
  let closing = false;
  const lost = Promise.withResolvers<LedgerFileError>();

  thread.on("message", (replies: LedgerReply[]) => {
    for (const reply of replies) {
      const call = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ("error" in reply) {
        const error = new LedgerFileError(reply.error.code, reply.error.message);
        if (error.code === "damaged") lost.resolve(error);
        call?.reject(error);
      } else {
        call?.resolve(reply.value);
      }
    }
  });
  const fail = (reason: string, cause?: unknown): void => {
    broken = new LedgerFileError("closed", reason, { cause });
    for (const call of waiting.values()) call.reject(broken);
    waiting.clear();
    if (!closing) lost.resolve(broken);
  };
  thread.on("error", (error) => fail("the ledger's thread failed", error));
  thread.on("exit", () => fail("the ledger is closed"));

  function call<N extends LedgerRequest["name"]>(name: N) {
    type Named = Extract<LedgerRequest, { name: N }>;
    return (...args: Named["args"]): Promise<unknown> => {
      if (broken !== null) return Promise.reject(broken);
      if (name === "close") closing = true;
      lastId += 1;
      const answer = Promise.withResolvers<unknown>();
      waiting.set(lastId, answer);
      thread.postMessage({ id: lastId, name, args });
      return answer.promise;
    };
  }

  const calls: Record<Exclude<keyof Ledger, "lost">, (...args: never) => Promise<unknown>> = {
    snapshot: call("snapshot"),
    accept: call("accept"),
    refuse: call("refuse"),
    recall: call("recall"),
    withdraw: call("withdraw"),
    spawned: call("spawned"),
    finish: call("finish"),
    readResult: call("readResult"),
    acknowledge: call("acknowledge"),
    acknowledgeRefused: call("acknowledgeRefused"),
    seeEpoch: call("seeEpoch"),
    renew: call("renew"),
    close: call("close"),
  };
  return { ...calls, lost: lost.promise } as Ledger;
}
