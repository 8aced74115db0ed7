import type { Capabilities } from "../provider.ts";

/** What RabbitMQ does; the README's table says it in words. */
export function rabbitmqCapabilities(consumerTimeoutMs: number): Capabilities {
  return {
    provider: "rabbitmq",
    priorityBands: "native",
    nativePriority: "native",
    ordered: "native",
    delay: "native",
    cancelScheduled: "gateway",
    rateLimitPerProcess: "process",
    rateLimitAcrossProcesses: "refused",
    dedupe: "gateway",
    pauseAcrossProcesses: "gateway",
    listDeadLetters: "gateway",
    replayDeadLetters: "gateway",
    liveBroadcast: "native",
    transactionalPublish: "refused",
    longestLeaseMs: consumerTimeoutMs,
  };
}
