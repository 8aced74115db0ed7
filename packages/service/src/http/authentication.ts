import type { FastifyRequest } from "fastify";
import { FleetwireError } from "../errors/fleetwire-error.ts";
import { hasScope, type Principal, type TokenVerifier } from "../principal/principal.ts";
import { bearerToken } from "../principal/token.ts";
import { httpErrors } from "./http-errors.ts";
import type { FastifyServer } from "./server.ts";

const principals = new WeakMap<FastifyRequest, Principal>();

/**
 * Asks for a bearer token on every route but those with `config: { public: true }`; with `config: { scope }` the
 * principal has to have that scope. Addresses that don't exist need no token. What is logged for the request from then
 * on has the principal's `companyId`.
 */
export function registerAuthentication(server: FastifyServer, verifier: TokenVerifier): void {
  server.decorateRequest("principal", {
    getter() {
      const principal = principals.get(this);
      if (principal === undefined) throw new Error("A public route asked for the request's principal.");
      return principal;
    },
  });

  server.addHook("onRequest", async (request) => {
    const { config } = request.routeOptions;
    if (request.is404 || config.public === true) return;
    const token = bearerToken(request.headers.authorization);
    const principal = token === null ? null : await verifier.verify(token);
    if (principal === null) throw new FleetwireError(httpErrors.unauthenticated);
    if (config.scope !== undefined && !hasScope(principal, config.scope)) {
      throw new FleetwireError(httpErrors.forbidden, `This needs the scope ${config.scope}.`);
    }
    principals.set(request, principal);
    request.log = request.log.child({ companyId: principal.companyId });
  });
}
