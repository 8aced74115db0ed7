import type pg from "pg";
import { Counter, Gauge, type Registry } from "prom-client";
import { isConnectionError, isSerializationError } from "./database-errors.ts";

export interface PoolMetrics {
  countError(error: unknown): void;
  /** The pool is no longer counted. */
  stop(): void;
}

interface RegistryMetrics {
  pools: Set<pg.Pool>;
  errors: Counter<"kind">;
}

/** The pools of one registry are summed up: a metric can be registered once. */
const ofRegistry = new WeakMap<Registry, RegistryMetrics>();

/** `db_pool_connections{state}` (active, idle, waiting: callers without one) and `db_query_errors_total{kind}` (connection, serialization, other). */
export function createPoolMetrics(pool: pg.Pool, registry: Registry | undefined): PoolMetrics {
  if (registry === undefined) return { countError() {}, stop() {} };
  const { pools, errors } = metricsOf(registry);
  pools.add(pool);
  return {
    countError: (error) => errors.inc({ kind: kindOf(error) }),
    stop: () => pools.delete(pool),
  };
}

function metricsOf(registry: Registry): RegistryMetrics {
  const known = ofRegistry.get(registry);
  if (known !== undefined) return known;
  const pools = new Set<pg.Pool>();
  const connections = new Gauge({
    name: "db_pool_connections",
    help: "Database connections by state; waiting: callers that wait for one.",
    labelNames: ["state"],
    collect() {
      this.set(
        { state: "active" },
        sum(pools, (pool) => pool.totalCount - pool.idleCount),
      );
      this.set(
        { state: "idle" },
        sum(pools, (pool) => pool.idleCount),
      );
      this.set(
        { state: "waiting" },
        sum(pools, (pool) => pool.waitingCount),
      );
    },
    registers: [],
  });
  registry.registerMetric(connections);
  const errors = new Counter({
    name: "db_query_errors_total",
    help: "Statements and transactions that failed, by kind of error.",
    labelNames: ["kind"],
    registers: [registry],
  });
  const created = { pools, errors };
  ofRegistry.set(registry, created);
  return created;
}

function kindOf(error: unknown): "connection" | "serialization" | "other" {
  if (isConnectionError(error)) return "connection";
  return isSerializationError(error) ? "serialization" : "other";
}

function sum(pools: Iterable<pg.Pool>, count: (pool: pg.Pool) => number): number {
  let total = 0;
  for (const pool of pools) total += count(pool);
  return total;
}
