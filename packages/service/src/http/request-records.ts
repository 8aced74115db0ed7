import { Histogram, type Registry } from "prom-client";
import type { FastifyServer } from "./server.ts";

/** Measures each answered request, and logs it: reads that succeed at `debug`, all others at `info`. Labels are bounded: the route's pattern, never the address. */
export function registerRequestRecords(server: FastifyServer, metrics: Registry): void {
  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "From the request's arrival to the end of its answer; streams count until they end.",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [metrics],
  });

  server.addHook("onResponse", async (request, reply) => {
    const route = request.is404 ? "unmatched" : (request.routeOptions.url ?? "unmatched");
    const status = reply.statusCode;
    duration.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000);
    // What only looked, and found, would drown what was changed or refused.
    const looked = request.method === "GET" && status < 400;
    const level = looked || request.routeOptions.config.quiet === true ? "debug" : "info";
    const fields = { method: request.method, route, status, durationMs: Math.round(reply.elapsedTime * 10) / 10 };
    request.log[level](fields, "request answered");
  });
}
