import { FleetwireError, defineErrors } from "@fleetwire/service";
import type { SlotOffer } from "./command-store.ts";

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

const undone = new WeakSet<FleetwireError>();

/** The error that callers see while the store is out of reach. `effect`: whether the change may have been made all the same. */
export function unavailable(cause: unknown, effect: "none" | "unknown" = "unknown"): FleetwireError {
  const error = new FleetwireError(storeErrors.store_unavailable, undefined, { cause, retryAfterMs: 1000 });
  if (effect === "none") undone.add(error);
  return error;
}

/** Whether a call that failed with this surely changed nothing: it was refused, or never sent. */
export function changedNothing(error: unknown): boolean {
  return error instanceof FleetwireError && (undone.has(error) || !isUnavailable(error));
}

/** Whether it concerns the store and not one row. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof FleetwireError && error.code === storeErrors.store_unavailable.code;
}

/** What a failed store call is to the offer that was made for it: only a refusal is sure to have assigned nothing. */
export function withdraw(offer: SlotOffer | null, error: unknown): void {
  if (error instanceof FleetwireError && !isUnavailable(error)) offer?.settle(null);
  else offer?.failed(error);
}
