import { defineErrors } from "@fleetwire/service";

/** What every adapter of the store may reject with. */
export const storeErrors = defineErrors({
  store_unavailable: { kind: "unavailable", message: "The store is out of reach; try again." },
  invalid_cursor: { kind: "invalid", message: "The cursor isn't one of ours." },
  unstorable_text: { kind: "invalid", message: "Text can't hold NUL characters or lone surrogates." },
  command_id_taken: { kind: "conflict", message: "Another command has this id." },
});
