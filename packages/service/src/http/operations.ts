import type { Registry } from "prom-client";
import { Type } from "typebox";
import type { Health } from "../health.ts";
import type { FastifyServer } from "./server.ts";

const check = Type.Object({ ok: Type.Boolean(), reason: Type.Optional(Type.String()) });
const readiness = Type.Object({
  status: Type.Union([Type.Literal("ready"), Type.Literal("not_ready")]),
  checks: Type.Record(Type.String(), check),
});

/** `/health/live`, `/health/ready` and `/metrics`. */
export function registerOperations(
  server: FastifyServer,
  options: { health: Health; metrics: Registry; metricsPublic: boolean },
): void {
  const { health, metrics, metricsPublic } = options;

  server.get(
    "/health/live",
    {
      config: { public: true, quiet: true },
      schema: {
        tags: ["operations"],
        summary: "Whether the process runs",
        response: { 200: Type.Object({ status: Type.Literal("live") }) },
      },
    },
    () => ({ status: "live" as const }),
  );

  server.get(
    "/health/ready",
    {
      config: { public: true, quiet: true },
      schema: {
        tags: ["operations"],
        summary: "Whether it can do its work, with a reason for each dependency that keeps it from it",
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const { ok, checks } = await health.ready();
      if (!ok) void reply.header("retry-after", "1");
      return reply.code(ok ? 200 : 503).send({ status: ok ? "ready" : "not_ready", checks });
    },
  );

  server.get(
    "/metrics",
    {
      config: metricsPublic ? { public: true, quiet: true } : { scope: "metrics:read", quiet: true },
      schema: { tags: ["operations"], summary: "Metrics in Prometheus' text format" },
    },
    async (_request, reply) => reply.header("content-type", metrics.contentType).send(await metrics.metrics()),
  );
}
