import type { Metadata } from "@grpc/grpc-js";
import {
  FleetwireError,
  bearerToken,
  hasScope,
  httpErrors,
  type Principal,
  type TokenVerifier,
} from "@fleetwire/service";

/** Who calls, by the `authorization` metadata. Throws `unauthenticated` or `forbidden`. */
export async function authenticate(verifier: TokenVerifier, metadata: Metadata, scope: string): Promise<Principal> {
  const [header] = metadata.get("authorization");
  const token = bearerToken(typeof header === "string" ? header : undefined);
  const principal = token === null ? null : await verifier.verify(token);
  if (principal === null) throw new FleetwireError(httpErrors.unauthenticated);
  if (!hasScope(principal, scope)) throw new FleetwireError(httpErrors.forbidden, `This needs the scope ${scope}.`);
  return principal;
}
