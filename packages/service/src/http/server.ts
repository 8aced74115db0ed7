import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { LogController, fastify, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import type { ErrorSpec } from "../errors/fleetwire-error.ts";
import type { Health } from "../health.ts";
import type { Logger } from "../log.ts";
import type { Principal, TokenVerifier } from "../principal/principal.ts";
import { registerAuthentication } from "./authentication.ts";
import { answerBrokenRequest } from "./broken-request.ts";
import { registerClosing } from "./closing.ts";
import { replyWithError } from "./error-reply.ts";
import { httpErrors } from "./http-errors.ts";
import { registerOpenApi } from "./openapi.ts";
import { registerOperations } from "./operations.ts";
import { registerRequestChecks } from "./request-checks.ts";
import { LazyChild } from "./request-log.ts";
import { parseTraceparent, requestIdOf, type Traceparent } from "./request-context.ts";
import { registerRequestRecords } from "./request-records.ts";
import { registerUnmatched } from "./unmatched.ts";
import { closed, compileValidator } from "./validation.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks. Throws on public routes. */
    readonly principal: Principal;
    /** Null where the caller brought none. */
    readonly traceparent: Traceparent | null;
  }
  interface FastifyContextConfig {
    /** No token is needed. */
    public?: boolean;
    /** The scope that the principal needs, such as `commands:write`. */
    scope?: string;
    /** Answered requests are logged at level debug. */
    quiet?: boolean;
  }
  interface FastifyInstance {
    /** Aborted when the server begins to close: long answers (SSE) end themselves then. */
    readonly closing: AbortSignal;
    /** The server is about to close: it serves on, and every answer says that its connection ends with it. */
    announceClose(): void;
  }
}

export type FastifyServer = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface HttpServerOptions {
  service: string;
  version: string;
  title: string;
  log: Logger;
  metrics: Registry;
  health: Health;
  verifier: TokenVerifier;
  /** The service's error tables, for OpenAPI. */
  errors?: Readonly<Record<string, ErrorSpec>>;
  /** `/openapi.json` without a token, and `/docs`. Default false. */
  docs?: boolean;
  /** `/metrics` without a token (else it needs the scope `metrics:read`). Default false. */
  metricsPublic?: boolean;
  /** Bytes; default 1 MiB. */
  bodyLimit?: number;
  /** In which a request has to have arrived whole. Default 30 s. */
  requestTimeoutMs?: number;
  /** How long `close()` waits for running requests before it cuts their connections. Default 10 s. */
  closeGraceMs?: number;
}

/**
 * A server with all that Fleetwire's HTTP services have in common; routes are added to it by their modules. It doesn't
 * listen by itself.
 *
 * Bodies are JSON; what breaks a route's schema, unknown properties included, is answered 400 `invalid_request`. Every
 * error is application/problem+json. Errors thrown by handlers: a FleetwireError as it says, anything else 500.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyServer> {
  const requestTimeout = options.requestTimeoutMs ?? 30_000;
  const loggerInstance: FastifyBaseLogger = options.log;
  const server: FastifyServer = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    childLoggerFactory: (_log, bindings, _options, raw) => {
      const traceId = parseTraceparent(raw.headers["traceparent"])?.traceId;
      return new LazyChild(options.log, traceId === undefined ? bindings : { ...bindings, traceId });
    },
    genReqId: requestIdOf,
    requestIdHeader: false,
    trustProxy: false,
    bodyLimit: options.bodyLimit ?? 1_048_576,
    requestTimeout,
    http: {
      headersTimeout: Math.min(requestTimeout, 10_000),
      connectionsCheckingInterval: Math.max(50, Math.min(requestTimeout / 4, 5_000)),
    },
    // Requests that were accepted are served; the load balancer has been told by /health/ready.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      replyWithError(error, request, reply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  server.setValidatorCompiler(compileValidator);
  server.setErrorHandler(replyWithError);
  server.decorateRequest("traceparent", {
    getter() {
      return parseTraceparent(this.headers["traceparent"]);
    },
  });
  server.addHook("onRequest", async (request, reply) => {
    void reply.headers({
      "x-request-id": request.id,
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
    });
  });
  server.addHook("onRoute", (route) => {
    if (route.schema === undefined) return;
    const { body, querystring } = route.schema;
    route.schema = { ...route.schema };
    if (body !== undefined) route.schema.body = closed(body);
    if (querystring !== undefined) route.schema.querystring = closed(querystring);
  });

  registerClosing(server, options.closeGraceMs ?? 10_000);
  registerUnmatched(server);
  registerRequestRecords(server, options.metrics);
  registerRequestChecks(server);
  registerAuthentication(server, options.verifier);
  await registerOpenApi(server, {
    title: options.title,
    version: options.version,
    errors: [...Object.values(httpErrors), ...Object.values(options.errors ?? {})],
    docs: options.docs ?? false,
  });
  registerOperations(server, { ...options, metricsPublic: options.metricsPublic ?? false });
  return server;
}
