import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { mappingOf } from "./error-kind.ts";
import { asFleetwireError, clientMessage } from "./fleetwire-error.ts";
import { retryAfterMs } from "./problem.ts";

/**
 * The same answer as `toProblem` for a gRPC client: pass it to the call's callback, or emit it as the stream's error.
 * The metadata carries `fleetwire-code`, and `retry-after-ms` where trying again may help.
 */
export function toGrpcStatus(error: unknown): StatusObject {
  const known = asFleetwireError(error);
  const metadata = new Metadata();
  metadata.set("fleetwire-code", known.code);
  const wait = retryAfterMs(known);
  if (wait !== null) metadata.set("retry-after-ms", String(Math.ceil(wait)));
  return { code: mappingOf(known.kind).grpc, details: clientMessage(known), metadata };
}
