import { defineErrors } from "../errors/fleetwire-error.ts";

/** What the HTTP server itself answers, on every service; their codes are in every OpenAPI. */
export const httpErrors = defineErrors({
  invalid_request: { kind: "invalid", message: "The request isn't as the API describes it." },
  invalid_json: { kind: "invalid", message: "The body isn't acceptable JSON." },
  unauthenticated: { kind: "unauthenticated", message: "A valid bearer token is needed." },
  forbidden: { kind: "forbidden", message: "The token doesn't have the scope that this needs." },
  route_not_found: { kind: "not_found", message: "There is nothing at this address." },
  method_not_allowed: { kind: "not_found", httpStatus: 405, message: "This address doesn't take this method." },
  request_timeout: { kind: "timeout", httpStatus: 408, message: "The request didn't arrive in time." },
  body_too_large: { kind: "too_large", message: "The body is too large." },
  unsupported_media_type: { kind: "invalid", httpStatus: 415, message: "Bodies are application/json, not encoded." },
  headers_too_large: { kind: "too_large", httpStatus: 431, message: "The headers are too large." },
  unavailable: { kind: "unavailable", message: "The service can't do this now." },
  internal_error: { kind: "internal", message: "Something went wrong on our side." },
});
