import { Registry, collectDefaultMetrics } from "prom-client";

/**
 * A registry of its own for one service (several services may share a process), with the metrics of the process and
 * the label `service` on every series.
 */
export function createMetrics(options: { service: string }): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service: options.service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
