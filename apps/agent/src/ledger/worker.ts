/* oxlint-disable unicorn/require-post-message-target-origin -- a thread's port has no origin */
/**
 * The ledger's thread: node:sqlite is synchronous. Requests that arrive while one commit runs are committed together,
 * so under load one sync to disk pays for many.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type LedgerFile, openLedgerFile } from "./ledger-file.ts";
import type { LedgerReply, LedgerRequest, LedgerStart, LedgerThreadData } from "./messages.ts";
import { asLedgerFileError, LedgerFileError, moveAside } from "./schema.ts";

const { path, newLedgerId, trimPolicy } = workerData as LedgerThreadData;
const port = parentPort;
if (port === null) throw new Error("This file is a worker thread's.");

const trimEveryMs = 10 * 60_000;
let ledger: LedgerFile;
let waiting: LedgerRequest[] = [];

function open(): LedgerStart {
  try {
    ledger = openLedgerFile(path, newLedgerId, trimPolicy);
    return { kind: "opened", quarantined: null };
  } catch (error) {
    if (!(error instanceof LedgerFileError)) throw error;
    if (error.code !== "damaged") return { kind: "failed", code: error.code, message: error.message };
    const quarantined = `${path}.damaged-${Date.now()}`;
    moveAside(path, quarantined);
    ledger = openLedgerFile(path, newLedgerId, trimPolicy);
    return { kind: "opened", quarantined: { path: quarantined, reason: error.message } };
  }
}

function commitWaiting(): void {
  for (let more = receiveMessageOnPort(port!); more !== undefined; more = receiveMessageOnPort(port!)) {
    waiting.push(more.message as LedgerRequest);
  }
  const requests = waiting;
  waiting = [];
  let batch: LedgerRequest[] = [];
  for (const request of requests) {
    if (request.name !== "renew" && request.name !== "close") {
      batch.push(request);
      continue;
    }
    commit(batch);
    batch = [];
    manage(request);
  }
  commit(batch);
}

function commit(batch: readonly LedgerRequest[]): void {
  if (batch.length === 0) return;
  const replies: LedgerReply[] = [];
  try {
    ledger.commit(
      batch.map((request) => () => {
        const operation = ledger[request.name] as (...args: readonly unknown[]) => unknown;
        replies.push({ id: request.id, value: operation(...request.args) });
      }),
    );
    port!.postMessage(replies);
  } catch (error) {
    port!.postMessage(batch.map(({ id }) => failure(id, error)));
  }
}

function manage(request: LedgerRequest & { name: "renew" | "close" }): void {
  try {
    if (request.name === "renew") ledger.renew(...request.args);
    else ledger.close();
    port!.postMessage([{ id: request.id, value: undefined }]);
  } catch (error) {
    port!.postMessage([failure(request.id, error)]);
    // The old file is closed, and there may be no new one: the thread's end says that the ledger is lost.
    throw error;
  }
  if (request.name === "close") {
    clearInterval(trimming);
    port!.close();
  }
}

/** A trim that fails (disk full) is tried again at the next turn. */
function trim(): void {
  try {
    ledger.trim(Date.now());
  } catch (error) {
    process.emitWarning(`the ledger can't be trimmed: ${String(error)}`);
  }
}

function failure(id: number, error: unknown): LedgerReply {
  const { code, message } = asLedgerFileError(error, path);
  return { id, error: { code, message } };
}

port.on("message", (request: LedgerRequest) => {
  waiting.push(request);
  if (waiting.length === 1) setImmediate(commitWaiting);
});
const start = open();
const trimming = setInterval(trim, trimEveryMs);
port.postMessage(start);
if (start.kind === "failed") {
  clearInterval(trimming);
  port.close();
} else {
  trim();
}
