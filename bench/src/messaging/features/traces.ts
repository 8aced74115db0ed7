import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { Figure } from "../../report.ts";
import type { Contest } from "../contest.ts";
import { ourSide, prefetch, type Side } from "../side.ts";
import { cost } from "./cost.ts";

/** What it costs that each publish and each handling is a span; an exporter's own work isn't in it. */
export async function traces(contest: Contest): Promise<Figure> {
  let ended = 0;
  const dropAll = {
    onStart: () => {},
    onEnd: () => void (ended += 1),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const tracer = new TracerProvider({ spanProcessors: [dropAll] }).getTracer("bench");
  const provider = await contest.open({ tracer, propagator: new W3CTraceContextPropagator() });
  await provider.declare(contest.definition);
  const row = await cost(contest, {
    name: "with tracing",
    on: inContext(ourSide(provider, contest.definition.name)),
    off: contest.ours,
    count: 20_000,
    check: (count) => {
      const spans = ended;
      ended = 0;
      if (spans === 2 * count) return Promise.resolve();
      return Promise.reject(new Error(`${spans} spans ended, expected ${2 * count}: one to send, one to process`));
    },
    conditions: { prefetch, concurrency: prefetch, spans: "all sampled, W3C headers, dropped when they end" },
  });
  await provider.close();
  return row;
}

/** Keeps the context across `await` while it consumes, and only then: whoever doesn't trace mustn't pay for it. */
function inContext(side: Side): Side {
  return {
    ...side,
    consume: async (handled) => {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      const consumer = await side.consume(handled);
      return {
        close: async () => {
          await consumer.close();
          context.disable();
        },
      };
    },
  };
}
