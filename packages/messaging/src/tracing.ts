import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Link,
  type Span,
  type TextMapPropagator,
  type Tracer,
} from "@opentelemetry/api";
import { describeError } from "./errors.ts";
import type { Message } from "./message.ts";

/** What traces are made with: passed in, so that nothing is traced unless somebody wants it. */
export interface Tracing {
  tracer: Tracer;
  /** Such as W3CTraceContextPropagator of @opentelemetry/core. */
  propagator: TextMapPropagator;
}

type Carrier = Record<string, string>;

const setter = { set: (carrier: Carrier, key: string, value: string) => void (carrier[key] = value) };
const getter = {
  get: (carrier: Carrier, key: string) => carrier[key],
  keys: (carrier: Carrier) => Object.keys(carrier),
};

/** Span names and attributes follow OpenTelemetry's semantic conventions for messaging. */
function attributes(system: string, queue: string, operation: "send" | "process") {
  return {
    "messaging.system": system,
    "messaging.destination.name": queue,
    "messaging.operation.type": operation,
    "messaging.operation.name": operation,
  };
}

export interface PublishSpan {
  /** To travel with the message. */
  readonly carrier: Readonly<Carrier>;
  end(error?: unknown): void;
}

/** Begins the span of one publish; its parent is what is active now. */
export function startPublish(
  { tracer, propagator }: Tracing,
  system: string,
  queue: string,
  messages: readonly Message[],
): PublishSpan {
  const [only] = messages.length === 1 ? messages : [];
  const span = tracer.startSpan(`send ${queue}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      ...attributes(system, queue, "send"),
      ...(only === undefined
        ? { "messaging.batch.message_count": messages.length }
        : { "messaging.message.id": only.id }),
    },
  });
  const carrier: Carrier = {};
  propagator.inject(trace.setSpan(context.active(), span), carrier, setter);
  return { carrier, end: (error) => endSpan(span, error) };
}

export interface ProcessSpan {
  /** Runs a handler inside the span. */
  run<T>(work: () => T): T;
  end(error?: unknown): void;
}

/** Begins the span of handling one delivery, a child of its publish; or of a batch, linked to each publish. */
export function startProcess(
  { tracer, propagator }: Tracing,
  system: string,
  names: { queue: string; group: string },
  deliveries: readonly { message: Message; attempt: number; trace: Readonly<Record<string, string>> | null }[],
): ProcessSpan {
  const parents = deliveries.map(({ trace: carrier }) =>
    carrier === null ? ROOT_CONTEXT : propagator.extract(ROOT_CONTEXT, { ...carrier }, getter),
  );
  const [first] = deliveries;
  const isBatch = deliveries.length !== 1 || first === undefined;
  const parent: Context = isBatch ? ROOT_CONTEXT : (parents[0] ?? ROOT_CONTEXT);
  const span = tracer.startSpan(
    `process ${names.queue}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        ...attributes(system, names.queue, "process"),
        "messaging.consumer.group.name": names.group,
        ...(isBatch
          ? { "messaging.batch.message_count": deliveries.length }
          : { "messaging.message.id": first.message.id, "fleetwire.attempt": first.attempt }),
      },
      links: isBatch ? linksOf(parents) : [],
    },
    parent,
  );
  return { run: (work) => context.with(trace.setSpan(parent, span), work), end: (error) => endSpan(span, error) };
}

function linksOf(parents: readonly Context[]): Link[] {
  return parents.flatMap((parent) => {
    const spanContext = trace.getSpanContext(parent);
    return spanContext === undefined ? [] : [{ context: spanContext }];
  });
}

function endSpan(span: Span, error: unknown): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) });
  span.end();
}
