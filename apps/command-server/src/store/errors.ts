import { FleetwireError, defineErrors } from "@fleetwire/service";

/** What every adapter of the store may reject with. */
export const storeErrors = defineErrors({
  store_unavailable: { kind: "unavailable", message: "The store is out of reach; try again." },
  store_full: { kind: "unavailable", message: "The store is full: it takes nothing new until commands have ended." },
  store_refused: { kind: "unavailable", message: "The store refuses this server's credentials." },
  invalid_cursor: { kind: "invalid", message: "The cursor isn't one of ours." },
  unstorable_text: { kind: "invalid", message: "Text can't hold NUL characters or lone surrogates." },
  unstorable_number: { kind: "invalid", message: "A number is out of range." },
  command_id_taken: { kind: "conflict", message: "Another command has this id." },
});

/** The error that callers see while the store is out of reach. */
export function unavailable(cause: unknown): FleetwireError {
  return new FleetwireError(storeErrors.store_unavailable, undefined, { cause, retryAfterMs: 1000 });
}

/** Whether it concerns the store and not one row. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof FleetwireError && error.code === storeErrors.store_unavailable.code;
}
