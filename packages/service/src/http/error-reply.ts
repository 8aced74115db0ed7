import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { FleetwireError, asFleetwireError, type ErrorSpec, type Violation } from "../errors/fleetwire-error.ts";
import { problemContentType, retryAfterMs, toProblem } from "../errors/problem.ts";
import { httpErrors } from "./http-errors.ts";

/** Sends any error as problem+json, with Retry-After and WWW-Authenticate where they belong; logs what is our fault. */
export function replyWithError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = fromFastify(error) ?? asFleetwireError(error);
  const problem = toProblem(known, request.id);
  if (known.kind === "internal") {
    request.log.error({ err: known.cause ?? known, code: known.code }, "request failed");
  } else if (problem.status >= 500) {
    request.log.warn({ err: known, code: known.code }, "request can't be served now");
  }
  const wait = retryAfterMs(known);
  if (wait !== null) void reply.header("retry-after", String(Math.max(1, Math.ceil(wait / 1_000))));
  if (problem.status === 401) void reply.header("www-authenticate", challenge(request));
  // Serialized here, so that a route's response schemas can't drop or refuse parts of it.
  return reply
    .code(problem.status)
    .header("content-type", problemContentType)
    .serializer(String)
    .send(JSON.stringify(problem));
}

/** RFC 6750: an error is named only when a token was given. */
function challenge(request: FastifyRequest): string {
  return request.headers.authorization === undefined ? "Bearer" : 'Bearer error="invalid_token"';
}

const byFastifyCode: Readonly<Record<string, ErrorSpec>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: httpErrors.body_too_large,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: httpErrors.unsupported_media_type,
  FST_ERR_HANDLER_TIMEOUT: httpErrors.unavailable,
};

/** Fastify's own errors as ours; null for anything that isn't the client's doing. */
function fromFastify(error: unknown): FleetwireError | null {
  if (!(error instanceof Error) || error instanceof FleetwireError) return null;
  const { validation, validationContext, code, statusCode }: Partial<FastifyError> = error;
  if (validation !== undefined) {
    const violations = validation.map((issue) => violationOf(validationContext ?? "body", issue));
    const first = violations[0];
    const message = first === undefined ? undefined : `${first.path}: ${first.message}`;
    return new FleetwireError(httpErrors.invalid_request, message, { violations });
  }
  const spec = byFastifyCode[code ?? ""];
  if (spec !== undefined) return new FleetwireError(spec);
  // Errors of other libraries may have a status too: of an answer that they got, not of ours.
  const isOurs = code?.startsWith("FST_") === true || code === "ECONNRESET";
  if (!isOurs || statusCode === undefined || statusCode < 400 || statusCode >= 500) return null;
  return new FleetwireError(httpErrors.invalid_request);
}

function violationOf(part: string, issue: { instancePath: string; message?: string; params: object }): Violation {
  return {
    path: `${part === "querystring" ? "query" : part}${issue.instancePath}`,
    message: issue.message ?? "is not as described",
  };
}
