import {
  pino,
  stdTimeFunctions,
  type Bindings,
  type ChildLoggerOptions,
  type DestinationStream,
  type Logger as PinoLogger,
} from "pino";
import { isSecretName, redacted, scrub } from "./redaction.ts";

export type Logger = PinoLogger;

/** The names of what log lines speak about; the same in every service. */
export interface LogFields {
  service?: string;
  requestId?: string;
  traceId?: string;
  companyId?: string;
  commandId?: string;
  messageId?: string;
  queue?: string;
  group?: string;
  attempt?: number;
  agentId?: string;
  epoch?: number;
  code?: string;
}

const deepest = 8;
const longestList = 100;

/**
 * A logger that writes one JSON object a line to stdout (or `destination`): `level`, `time` (RFC 3339 UTC), `service`,
 * the fields, `msg`. Fields named like a secret are redacted at any depth, credentials inside texts too; an error is
 * written as type, message, code, stack and cause, without its other properties. A line break in a value can't begin
 * a line of its own, since JSON escapes it. Write an error as `log.error({ err }, "what couldn't be done")`.
 */
export function createLogger(options: {
  service: string;
  /** pino's level names; default `info`. */
  level?: string;
  destination?: DestinationStream;
}): Logger {
  const logger = pino(
    {
      level: options.level ?? "info",
      base: { service: options.service },
      timestamp: stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => error },
      formatters: {
        level: (label) => ({ level: label }),
        log: redactFields,
      },
      hooks: { streamWrite: scrub },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
  // pino's formatters don't see the fields of child loggers; children inherit what their parent has.
  const child: unknown = Reflect.get(logger, "child");
  Object.defineProperty(logger, "child", {
    value(this: Logger, fields: Bindings, childOptions?: ChildLoggerOptions): unknown {
      return typeof child === "function" && Reflect.apply(child, this, [redactFields(fields), childOptions]);
    },
  });
  return logger;
}

function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) clean[name] = isSecretName(name) ? redacted : plain(value, 1);
  return clean;
}

/** The value as JSON will show it: errors described, secrets redacted, bounded in depth and length. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return describeError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > deepest) return "[deeper]";
  if (value instanceof Map || value instanceof Set) return plain([...value], depth);
  if (Array.isArray(value)) {
    const items = value.slice(0, longestList).map((item) => plain(item, depth + 1));
    return value.length > longestList ? [...items, `[${value.length - longestList} more]`] : items;
  }
  const clean: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value))
    clean[name] = isSecretName(name) ? redacted : plain(item, depth + 1);
  return clean;
}

/** An error's other properties are left out: drivers hang connections, requests and rows on them. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const code =
    "code" in error && (typeof error.code === "string" || typeof error.code === "number") ? error.code : null;
  const described: Record<string, unknown> = { type: error.name, message: error.message };
  if (code !== null) described["code"] = code;
  if (error.stack !== undefined) described["stack"] = error.stack;
  if (error.cause !== undefined && depth <= deepest) described["cause"] = plain(error.cause, depth + 1);
  if (error instanceof AggregateError && depth <= deepest) described["errors"] = plain(error.errors, depth + 1);
  return described;
}
