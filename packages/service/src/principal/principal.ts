/** Who makes a request. */
export interface Principal {
  kind: "user" | "service" | "agent" | "operator";
  id: string;
  companyId: string;
  /** Such as `commands:write`; `commands:*` is every scope of commands, `*` every scope there is. */
  scopes: readonly string[];
}

/** What tells whose a bearer token is. */
export interface TokenVerifier {
  /** Null for a token that isn't (or is no longer) good; rejects when that can't be found out now. */
  verify(token: string): Promise<Principal | null>;
}

/** Whether the principal may do what asks for this scope. */
export function hasScope(principal: Principal, scope: string): boolean {
  const family = `${scope.slice(0, scope.indexOf(":") + 1)}*`;
  return principal.scopes.some((held) => held === "*" || held === scope || held === family);
}
