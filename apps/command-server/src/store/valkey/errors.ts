import { FleetwireError } from "@fleetwire/service";
import { storeErrors, unavailable } from "../errors.ts";

/** Answers by which a server refuses a step, having done nothing of it, because it can't serve now: another one may, or this one later. */
const passing = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN|BUSY|MISCONF|UNKILLABLE)\b/;

/** What a client did wrong in the eyes of the server, whichever server that is. */
const refused = /^(NOAUTH|WRONGPASS|NOPERM)\b/;

/** An answer of the server, as opposed to a failed connection. */
function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/**
 * What callers of the store get for an error of the client: `store_full` at `maxmemory`, the server's own words where it
 * refuses this client, `store_unavailable` where it is out of reach. Others stay as they are: they are bugs.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof FleetwireError) return error;
  if (!isReply(error)) return unavailable(error);
  if (/^OOM\b/.test(error.message))
    return new FleetwireError(storeErrors.store_full, undefined, { cause: error, retryAfterMs: 5_000 });
  if (passing.test(error.message)) return unavailable(error, "none");
  if (refused.test(error.message)) {
    return new FleetwireError(storeErrors.store_refused, undefined, { cause: error });
  }
  return error;
}

/** A call that wasn't sent, so that it surely had no effect. */
export function notConnected(): FleetwireError {
  return unavailable(Object.assign(new Error("there is no connection to Valkey"), { code: "ENOTCONN" }), "none");
}
