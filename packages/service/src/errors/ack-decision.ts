import { mappingOf, type AckDecision } from "./error-kind.ts";
import { asFleetwireError } from "./fleetwire-error.ts";

/** What becomes of a message whose handler failed with this error. An unknown error is worth another run. */
export function toAckDecision(error: unknown): AckDecision {
  const known = asFleetwireError(error);
  return known.spec.ack ?? mappingOf(known.kind).ack;
}
