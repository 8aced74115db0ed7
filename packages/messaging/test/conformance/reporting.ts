import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { Reject, reportType, type DeliveryReport } from "../../src/index.ts";
import { collector, uniqueQueue, until, type Harness } from "./world.ts";

export function reporting(harness: Harness): void {
  describe("reports, traces and metrics", () => {
    test("a tracked queue's outcomes are told to its tracking queue", async () => {
      const provider = await harness.open();
      await provider.declare({ name: "delivery-reports", kind: "task", groups: ["tracker"] });
      const queue = uniqueQueue({ tracking: "delivery-reports", retry: { maxRetries: 1, initial: "1ms", max: "1ms" } });
      await provider.declare(queue);
      const reports = collector<DeliveryReport>();
      await provider.subscribe<{ reports: DeliveryReport[] }>(
        "delivery-reports",
        ({ message }) => {
          expect(message.type).toBe(reportType);
          message.payload.reports.forEach(reports.take);
        },
        { group: "tracker" },
      );
      await provider.subscribe(
        queue.name,
        ({ message, attempt }) => {
          if (message.type === "bad") throw new Reject("no good");
          if (message.type === "again" && attempt === 1) throw new Error("once more");
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { id: "r-ok", type: "ok", payload: 1, companyId: "acme" });
      await provider.publish(queue.name, { id: "r-again", type: "again", payload: 1 });
      await provider.publish(queue.name, { id: "r-bad", type: "bad", payload: 1 });
      await until("each outcome", () => reports.items.filter(({ status }) => status !== "processing").length === 4);
      const of = (id: string) =>
        reports.items.filter(({ messageId, status }) => messageId === id && status !== "processing");
      expect(of("r-ok")).toMatchObject([
        { queue: queue.name, group: "workers", companyId: "acme", status: "completed", attempt: 1 },
      ]);
      expect(of("r-again")).toMatchObject([
        { status: "retry", attempt: 1, error: "once more" },
        { status: "completed", attempt: 2 },
      ]);
      expect(of("r-bad")).toMatchObject([{ status: "failed", reason: "rejected", error: "no good" }]);
      expect(reports.items.some(({ messageId, status }) => messageId === "r-ok" && status === "processing")).toBe(true);
      expect(of("r-ok")[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    });

    test("a trace goes from the publisher into the handler, through a retry", async () => {
      const exporter = new InMemorySpanExporter();
      const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      try {
        const tracer = tracers.getTracer("test");
        const tracing = { tracer, propagator: new W3CTraceContextPropagator() };
        const provider = await harness.open({ tracing });
        const queue = uniqueQueue({ retry: { maxRetries: 1, initial: "1ms", max: "1ms" } });
        await provider.declare(queue);
        const inHandler = collector<string | undefined>();
        await provider.subscribe(
          queue.name,
          ({ attempt }) => {
            inHandler.take(trace.getActiveSpan()?.spanContext().traceId);
            if (attempt === 1) throw new Error("first");
          },
          { group: "workers" },
        );
        const parent = tracer.startSpan("request");
        await context.with(trace.setSpan(context.active(), parent), () =>
          provider.publish(queue.name, { id: "traced", type: "t", payload: 1 }),
        );
        parent.end();
        const { traceId } = parent.spanContext();
        expect(await inHandler.atLeast(2)).toEqual([traceId, traceId]);
        await provider.close();
        const spans = exporter.getFinishedSpans();
        const send = spans.find(({ kind }) => kind === SpanKind.PRODUCER);
        const processes = spans.filter(({ kind }) => kind === SpanKind.CONSUMER);
        expect(send).toMatchObject({
          name: `send ${queue.name}`,
          attributes: { "messaging.destination.name": queue.name, "messaging.message.id": "traced" },
        });
        expect(processes.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([
          send?.spanContext().spanId,
          send?.spanContext().spanId,
        ]);
        expect(processes.map(({ attributes }) => attributes["fleetwire.attempt"])).toEqual([1, 2]);
        expect(processes[0]?.status.message).toBe("first");
      } finally {
        context.disable();
        propagation.disable();
      }
    });

    test("the common metrics count real traffic", async () => {
      const metrics = new Registry();
      const provider = await harness.open({ metrics });
      const queue = uniqueQueue({ retry: { maxRetries: 1, initial: "1ms", max: "1ms" } });
      await provider.declare(queue);
      let runs = 0;
      await provider.subscribe(
        queue.name,
        ({ message, attempt }) => {
          runs += 1;
          if (message.type === "bad") throw new Reject("no");
          if (message.type === "again" && attempt === 1) throw new Error("once");
        },
        { group: "workers" },
      );
      await provider.publishBatch(
        queue.name,
        ["ok", "again", "bad"].map((type) => ({ type, payload: 1 })),
      );
      await until("four runs", () => runs === 4);
      await provider.close();
      const text = await metrics.metrics();
      const labels = `queue="${queue.name}",group="workers"`;
      expect(text).toContain(`queue_messages_sent_total{queue="${queue.name}"} 3`);
      expect(text).toContain(`queue_messages_received_total{${labels}} 4`);
      expect(text).toContain(`queue_deliveries_total{${labels},outcome="completed"} 2`);
      expect(text).toContain(`queue_deliveries_total{${labels},outcome="retry"} 1`);
      expect(text).toContain(`queue_deliveries_total{${labels},outcome="failed"} 1`);
      expect(text).toContain(`queue_processing_duration_seconds_count{${labels}} 4`);
      for (const bucket of ["0.1", "0.5", "1", "2", "5", "10", "30"]) {
        expect(text).toContain(`queue_processing_duration_seconds_bucket{le="${bucket}",${labels}} 4`);
      }
    });
  });
}
