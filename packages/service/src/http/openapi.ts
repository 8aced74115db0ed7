import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { mappingOf } from "../errors/error-kind.ts";
import type { ErrorSpec } from "../errors/fleetwire-error.ts";
import type { FastifyServer } from "./server.ts";
import { isRecord } from "./validation.ts";

const problemReference = {
  description: "Refused or failed; `code` says why.",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/**
 * Describes the routes registered after it as OpenAPI 3.1 at `/openapi.json`, with the problem document and the codes
 * that it can have. With `docs`, that and a page to browse it (`/docs`, all files from here) need no token.
 */
export async function registerOpenApi(
  server: FastifyServer,
  options: { title: string; version: string; errors: readonly ErrorSpec[]; docs: boolean },
): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: options.title, version: options.version },
      components: {
        securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
        schemas: { Problem: problemSchema(options.errors) },
      },
      security: [{ bearer: [] }],
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => {
      const { config } = route;
      const scope = config?.scope;
      return {
        url,
        schema: {
          ...schema,
          ...(config?.public === true ? { security: [] } : {}),
          ...(scope === undefined
            ? {}
            : { description: [schema?.description, `Needs the scope \`${scope}\`.`].filter(Boolean).join("\n\n") }),
        },
      };
    },
    transformObject: (document) =>
      "openapiObject" in document ? withProblems(document.openapiObject) : document.swaggerObject,
  });

  const config = options.docs ? ({ public: true, quiet: true } as const) : ({ quiet: true } as const);
  server.get("/openapi.json", { config, schema: { hide: true } }, () => server.swagger());
  if (!options.docs) return;
  await server.register(async (pages) => {
    pages.addHook("onRoute", (route) => {
      route.config = { ...route.config, public: true, quiet: true };
    });
    await pages.register(swaggerUi, {
      routePrefix: "/docs",
      staticCSP: true,
      logo: { type: "image/svg+xml", content: Buffer.from(wordmark), href: "/docs", target: "_self" },
      theme: { title: options.title },
      uiConfig: { docExpansion: "list", deepLinking: true, persistAuthorization: false },
    });
  });
}

const wordmark = `<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40"><text x="4" y="28" fill="#fff"
  font-family="Helvetica, Arial, sans-serif" font-size="24" font-weight="bold">Fleetwire</text></svg>`;

/** Every operation may answer with a problem. */
function withProblems<D extends { paths?: object }>(document: D): D {
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(isRecord(path) ? path : {})) {
      const responses = isRecord(operation) ? operation["responses"] : undefined;
      if (isRecord(responses)) responses["default"] ??= problemReference;
    }
  }
  return document;
}

function problemSchema(errors: readonly ErrorSpec[]) {
  const byCode = new Map(errors.map((spec) => [spec.code, spec]));
  const rows = [...byCode.values()].map(
    (spec) => `| \`${spec.code}\` | ${spec.httpStatus ?? mappingOf(spec.kind).http} | ${spec.message} |`,
  );
  return {
    type: "object" as const,
    description: "An RFC 9457 problem document.",
    required: ["type", "title", "status", "detail", "code"],
    properties: {
      type: { type: "string" as const, const: "about:blank" },
      title: { type: "string" as const },
      status: { type: "integer" as const },
      detail: { type: "string" as const },
      code: {
        type: "string" as const,
        enum: [...byCode.keys()],
        description: ["| code | status | meaning |", "|---|---|---|", ...rows].join("\n"),
      },
      requestId: { type: "string" as const },
      errors: {
        type: "array" as const,
        description: "What is wrong with the input, and where.",
        items: {
          type: "object" as const,
          required: ["path", "message"],
          properties: { path: { type: "string" as const }, message: { type: "string" as const } },
        },
      },
      details: { type: "object" as const, additionalProperties: true },
    },
  };
}
